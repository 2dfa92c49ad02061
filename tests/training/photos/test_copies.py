"""The documented copies: how many, of what, with which arithmetic, and what they are called."""

import colorsys
import os
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.pictures import encode
from tests.training.scenes import scene, scenes
from training.errors import TrainingError
from training.photos.copies import (
    Made,
    add_copies,
    adjust_brightness,
    adjust_saturation,
    copies_sheet,
    decode,
    loss_weights,
    planned_copies,
    varied,
)
from training.photos.data import Sample, scan
from training.photos.split import shares_of, split


def samples(offline: list[str], online: list[str]) -> list[Sample]:
    return [
        Sample(f"{label}/{name}", index, name, name)
        for index, (label, names) in enumerate((("offline", offline), ("online", online)))
        for name in names
    ]


PIXELS = np.array([[[0, 0, 0], [255, 255, 255], [128, 128, 128], [200, 100, 50], [10, 240, 30]]], np.uint8)


@pytest.mark.parametrize(
    ("delta", "expected"),
    [
        (0.2, [[51, 51, 51], [255, 255, 255], [179, 179, 179], [251, 151, 101], [61, 255, 81]]),
        (-0.2, [[0, 0, 0], [204, 204, 204], [77, 77, 77], [149, 49, 0], [0, 189, 0]]),
        (0.199, [[50, 50, 50], [255, 255, 255], [179, 179, 179], [251, 151, 100], [60, 255, 80]]),
        (0.0, PIXELS[0].tolist()),
    ],
)
def test_brightness_is_added_and_cut_off(delta: float, expected: list[list[int]]) -> None:
    assert adjust_brightness(PIXELS, delta)[0].tolist() == expected


@pytest.mark.parametrize("factor", [1.0, 5.0, 7.3, 10.0])
def test_saturation_is_scaled_in_hsv_as_the_standard_library_computes_it(factor: float) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (1, 500, 3), dtype=np.uint8)
    pixels[0, :3] = [(0, 0, 0), (255, 255, 255), (90, 90, 90)]
    expected = []
    for red, green, blue in (pixels[0] / 255).tolist():
        hue, saturation, value = colorsys.rgb_to_hsv(red, green, blue)
        expected.append([int(c * 255.5) for c in colorsys.hsv_to_rgb(hue, min(1, saturation * factor), value)])
    assert np.abs(adjust_saturation(pixels, factor)[0].astype(int) - expected).max() <= 1
    assert adjust_saturation(pixels, factor)[0, :3].tolist() == pixels[0, :3].tolist()


def test_the_smaller_class_gets_both_kinds_of_each_picture_until_the_classes_balance() -> None:
    data = samples([f"{n}.jpg" for n in range(10)], ["a.jpg", "b.jpg", "c.png", "d.jpg"])
    made = planned_copies(data, 0)
    assert len(made) == 6
    kinds = Counter(copy.original for copy in made)
    assert sorted(kinds.values()) == [2, 2, 2]
    for copy in made:
        name = copy.original.removeprefix("online/")
        assert copy.path in (f"online/brightness_{name}", f"online/saturation_{name}")
    assert len({copy.path for copy in made}) == 6


def test_more_than_two_copies_of_a_picture_bear_a_number() -> None:
    made = planned_copies(samples(["a.jpg"], [f"{n}.jpg" for n in range(6)]), 0)
    names = ["brightness_a.jpg", "saturation_a.jpg", "brightness2_a.jpg", "saturation2_a.jpg", "brightness3_a.jpg"]
    assert made == [Made(f"offline/{name}", "offline/a.jpg") for name in names]


def test_copies_are_not_copied_again_and_never_overwritten() -> None:
    data = samples(["a.jpg", "brightness_a.jpg"], ["1.jpg", "2.jpg", "3.jpg", "4.jpg"])
    assert [copy.path for copy in planned_copies(data, 0)] == ["offline/saturation_a.jpg", "offline/brightness2_a.jpg"]


def test_balanced_classes_need_no_copies() -> None:
    assert planned_copies(samples(["a.jpg"], ["b.jpg"]), 0) == []


def test_which_pictures_are_copied_first_depends_on_the_seed() -> None:
    data = samples([f"{n}.jpg" for n in range(30)], [f"{n}.jpg" for n in range(40)])
    first, again, other = (planned_copies(data, seed) for seed in (1, 1, 2))
    assert first == again != other


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    root = scenes(tmp_path / "data", 5, 2)
    (root / "manifest.csv").write_text("path,group\nonline/000.png,call\n", encoding="utf-8")
    return root


def test_the_new_folder_holds_the_originals_and_balances_the_classes(folder: Path, tmp_path: Path) -> None:
    result = add_copies(folder, tmp_path / "out", 0)
    found = scan(tmp_path / "out")
    assert Counter(sample.label for sample in found) == {0: 5, 1: 5}
    assert sorted(found, key=lambda s: s.path) == sorted(result.samples, key=lambda s: s.path)
    assert (tmp_path / "out" / "offline" / "000.png").samefile(folder / "offline" / "000.png")
    assert [copy.path.startswith("online/") for copy in result.made] == [True] * 3


def test_copies_bear_the_group_of_their_original(folder: Path, tmp_path: Path) -> None:
    result = add_copies(folder, tmp_path / "out", 0)
    groups = {sample.path: sample.group for sample in scan(tmp_path / "out")}
    assert groups["online/000.png"] == "call"
    assert all(groups[copy.path] == groups[copy.original] for copy in result.made)
    assert len(set(groups.values())) == 7


def test_copies_and_originals_stay_in_one_part_of_a_split(folder: Path, tmp_path: Path) -> None:
    add_copies(folder, tmp_path / "out", 0)
    assert split(tmp_path / "out", shares_of(0.5, 0.5, 0), 0).related("val", "train") == 0


def test_copies_are_jpeg_and_the_same_for_the_same_seed(folder: Path, tmp_path: Path) -> None:
    made = {name: add_copies(folder, tmp_path / name, seed) for name, seed in (("a", 1), ("b", 1), ("c", 2))}
    first, again, other = ({s.path: s.sha256 for s in result.samples} for result in made.values())
    assert first == again != other
    with Image.open(tmp_path / "a" / made["a"].made[0].path) as image:
        assert (image.format, image.size) == ("JPEG", (160, 120))


def test_a_copy_differs_from_its_original_as_documented() -> None:
    original = scene(1)
    data = encode(original)
    brighter = decode(varied(data, "online/brightness_1.png", 3)).astype(int)
    change = np.median(brighter - np.asarray(original))
    assert 1 <= abs(change) <= 52
    richer = Image.fromarray(decode(varied(data, "online/saturation_1.png", 3))).convert("HSV")
    assert np.mean(np.asarray(richer)[..., 1]) > np.mean(np.asarray(original.convert("HSV"))[..., 1]) * 1.3


def test_unreadable_files_are_left_out_and_listed(folder: Path, tmp_path: Path) -> None:
    (folder / "offline" / "film.gif").write_bytes(b"GIF89a" + bytes(40))
    result = add_copies(folder, tmp_path / "out", 0)
    assert [item.path for item in result.skipped] == ["offline/film.gif"]
    assert not (tmp_path / "out" / "offline" / "film.gif").exists()


def test_a_folder_that_is_not_empty_is_refused(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match=r"is not an empty folder; name a new one\.$"):
        add_copies(folder, full(tmp_path / "out"), 0)


def full(folder: Path) -> Path:
    folder.mkdir()
    (folder / "note.txt").write_text("mine", encoding="utf-8")
    return folder


def test_a_class_without_a_readable_picture_is_refused(tmp_path: Path) -> None:
    data = scenes(tmp_path / "data", 2, 0)
    with pytest.raises(TrainingError, match=r"online holds no readable picture\.$"):
        add_copies(data, tmp_path / "out", 0)
    (data / "online" / "broken.png").write_bytes(b"no picture")
    with pytest.raises(
        TrainingError, match=r"no readable picture; the first file, online/broken\.png: The bytes are not"
    ):
        add_copies(data, tmp_path / "other", 0)


def test_the_sheet_has_a_row_for_each_of_the_first_originals(folder: Path, tmp_path: Path) -> None:
    result = add_copies(folder, tmp_path / "out", 0)
    sheet = copies_sheet(tmp_path / "out", result.made)
    assert sheet.size == (3 * 230 + 10, 2 * 195 + 10)


def test_loss_weights_are_those_of_the_training() -> None:
    weights = loss_weights(samples(["a"], ["b", "c", "d"]))
    assert weights == {"offline": 2.0, "online": pytest.approx(4 / 6)}


def test_a_name_that_is_no_utf8_is_copied_like_any_other(tmp_path: Path) -> None:
    folder = scenes(tmp_path / "data", 2, 0)
    odd = os.fsdecode(b"\xff\xfe.png")
    (folder / "online").mkdir(exist_ok=True)
    scene(77).save(folder / "online" / odd)
    result = add_copies(folder, tmp_path / "out", 0)
    assert [copy.path for copy in result.made] == [f"online/brightness_{odd}"]
    groups = {sample.path: sample.group for sample in scan(tmp_path / "out")}
    assert groups[f"online/brightness_{odd}"] == groups[f"online/{odd}"]
