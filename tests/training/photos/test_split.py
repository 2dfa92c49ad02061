"""Folds and parts: no group crosses them, and the same data give the same ones."""

import shutil
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.training.scenes import scene, scenes
from training.errors import TrainingError
from training.photos.data import Sample
from training.photos.split import family, group_names, grouped_folds, parts_by_group, parts_by_name, shares_of, split


def samples(count: int = 300, groups: int = 11) -> list[Sample]:
    rng = np.random.default_rng(3)
    drawn = zip(rng.integers(0, 2, count), rng.integers(0, groups, count), strict=True)
    return [Sample(f"{n}.png", int(label), f"site {group}", str(n)) for n, (label, group) in enumerate(drawn)]


@pytest.mark.parametrize("count", [2, 4, 11])
def test_every_sample_is_in_one_fold_and_no_group_in_two(count: int) -> None:
    data = samples()
    folds = grouped_folds(data, count)
    assert sorted(index for fold in folds for index in fold) == list(range(len(data)))
    groups = [{data[index].group for index in fold} for fold in folds]
    assert sum(len(names) for names in groups) == len(set.union(*groups))


def test_folds_do_not_depend_on_the_order_of_the_samples() -> None:
    data = samples()
    backwards = data[::-1]
    forth = [{data[index].path for index in fold} for fold in grouped_folds(data, 4)]
    back = [{backwards[index].path for index in fold} for fold in grouped_folds(backwards, 4)]
    assert forth == back


def test_repositories_of_the_same_people_are_held_out_together() -> None:
    data = [
        Sample("a", 0, "ropensci/roweb3", "a"),
        Sample("b", 1, "ropensci-archive/roweb2", "b"),
        Sample("c", 0, "x", "c"),
    ]
    assert sorted(grouped_folds(data, 2)) == [[0, 1], [2]]
    assert family("fossasia/fossasia.org") == "fossasia/fossasia.org"


def test_more_folds_than_groups_are_refused() -> None:
    with pytest.raises(TrainingError, match=r"^4 folds cannot be cut from 3 group\(s\); use 2 to 3\.$"):
        grouped_folds(samples(groups=3), 4)


SHARES = shares_of(0.3, 0.7, 0.15)


def of_groups(sizes: Sequence[tuple[int, int]], name: str = "site") -> list[Sample]:
    """Samples of one group each (offline, online)."""
    labels = [(group, label) for group, pair in enumerate(sizes) for label in (0, 1) for _ in range(pair[label])]
    return [Sample(f"{n}.png", label, f"{name} {group}", str(n)) for n, (group, label) in enumerate(labels)]


def test_shares_are_of_the_whole_with_the_test_part_taken_first() -> None:
    assert shares_of(0.3, 0.7, 0.0) == {"train": 0.3, "val": 0.7}
    assert shares_of(0.3, 0.7, 0.15) == pytest.approx({"test": 0.15, "train": 0.255, "val": 0.595})
    assert shares_of(30, 70, 0.15) == pytest.approx({"test": 0.15, "train": 0.255, "val": 0.595})


@pytest.mark.parametrize(
    ("asked", "sentence"),
    [
        ((0.3, 0.7, 1.0), "--test 1.0 is not a share of the whole; give a number from 0 to less than 1."),
        ((0.3, 0.7, float("nan")), "--test nan is not a share of the whole; give a number from 0 to less than 1."),
        ((0.0, 0.7, 0.1), "--train 0.0 is not a share; give a number above 0."),
        ((0.3, float("inf"), 0.1), "--val inf is not a share; give a number above 0."),
    ],
)
def test_what_is_no_share_is_refused(asked: tuple[float, float, float], sentence: str) -> None:
    with pytest.raises(TrainingError) as refused:
        shares_of(*asked)
    assert str(refused.value) == sentence


def test_single_pictures_reach_the_shares_in_each_class() -> None:
    data = of_groups([(1, 0)] * 200 + [(0, 1)] * 100)
    counts = Counter(zip(parts_by_group(data, SHARES, 0), (sample.label for sample in data), strict=True))
    assert counts == {
        ("test", 0): 30, ("train", 0): 51, ("val", 0): 119,
        ("test", 1): 15, ("train", 1): 25, ("val", 1): 60,
    }  # fmt: skip


@pytest.mark.parametrize("seed", range(4))
def test_a_group_is_in_one_part_and_every_part_has_both_classes(seed: int) -> None:
    rng = np.random.default_rng(seed)
    data = of_groups([tuple(pair) for pair in rng.integers(0, 30, (12, 2))])
    parts = parts_by_group(data, SHARES, seed)
    homes = {(sample.group, part) for sample, part in zip(data, parts, strict=True)}
    assert len(homes) == len({sample.group for sample in data})
    assert {(part, s.label) for s, part in zip(data, parts, strict=True)} == {(p, c) for p in SHARES for c in (0, 1)}


def test_parts_do_not_depend_on_the_order_of_the_samples_and_do_on_the_seed() -> None:
    data = of_groups([(1, 0)] * 50 + [(0, 1)] * 50)
    forth = dict(zip((s.path for s in data), parts_by_group(data, SHARES, 0), strict=True))
    back = dict(zip((s.path for s in data[::-1]), parts_by_group(data[::-1], SHARES, 0), strict=True))
    other = dict(zip((s.path for s in data), parts_by_group(data, SHARES, 1), strict=True))
    assert forth == back != other


def test_these_parts_are_the_same_on_every_machine() -> None:
    data = of_groups([(1, 0)] * 6 + [(0, 1)] * 6)
    parts = parts_by_group(data, SHARES, 0)
    assert "".join(part[0] for part in parts) == "vtttvvtvvtvt"


def test_adding_photos_moves_few_of_the_old_ones() -> None:
    data = of_groups([(1, 0)] * 200 + [(0, 1)] * 200)
    more = [*data, *of_groups([(1, 0)] * 20 + [(0, 1)] * 20, "new")]
    before, after = parts_by_group(data, SHARES, 0), parts_by_group(more, SHARES, 0)
    assert sum(old != new for old, new in zip(before, after, strict=False)) <= 20


def test_a_few_large_groups_are_spread_as_evenly_as_they_allow() -> None:
    data = of_groups([(20, 30), (50, 40), (80, 90), (40, 30), (10, 10)])
    parts = Counter(parts_by_group(data, SHARES, 0))
    assert parts == {"test": 50, "train": 110, "val": 240}  # asked for: 60, 102 and 238


def test_three_groups_of_each_class_fill_three_parts() -> None:
    data = of_groups([(3, 0)] * 3 + [(0, 3)] * 3)
    parts = parts_by_group(data, SHARES, 0)
    assert Counter(zip(parts, (sample.label for sample in data), strict=True)) == {
        (part, label): 3 for part in SHARES for label in (0, 1)
    }


def test_too_few_groups_of_a_class_are_one_sentence() -> None:
    data = of_groups([(10, 0)] * 2 + [(0, 1)] * 20)
    with pytest.raises(TrainingError) as refused:
        parts_by_group(data, SHARES, 0)
    assert str(refused.value) == (
        "test would hold no offline picture: all offline pictures belong to 2 group(s), and 3 parts are asked for; add "
        "pictures of other sources, or split by file, with relatives across parts, by --ignore-groups."
    )


def test_by_name_gives_the_documented_counts() -> None:
    data = [
        Sample(f"{'offline' if label == 0 else 'online'}/{n}.jpg", label, str(n), str(n))
        for label, count in ((1, 552), (0, 508))
        for n in range(count)
    ]
    counts = Counter(zip(parts_by_name(data, shares_of(0.3, 0.7, 0.0)), (s.label for s in data), strict=True))
    assert counts == {("train", 1): 165, ("val", 1): 387, ("train", 0): 152, ("val", 0): 356}


def test_by_name_takes_the_first_names_for_test_and_the_next_for_train() -> None:
    data = [Sample(f"offline/{n}.png", 0, str(n), str(n)) for n in range(10)][::-1]
    assert parts_by_name(data, shares_of(0.5, 0.5, 0.2))[::-1] == ["test"] * 2 + ["train"] * 4 + ["val"] * 4


def related(folder: Path) -> dict[str, str]:
    """Path → group, as split sees it."""
    return {sample.path: sample.group for sample in split(folder, shares_of(0.5, 0.5, 0.0), 0).samples}


def test_copies_near_duplicates_and_what_the_manifest_says_are_one_group(tmp_path: Path) -> None:
    folder = scenes(tmp_path, 8, 8)
    shutil.copy(folder / "offline" / "000.png", folder / "offline" / "the same bytes.png")
    scene(1).save(folder / "offline" / "saved again.jpg", quality=50)
    scene(77_777).save(folder / "offline" / "brightness_002.png")
    rows = "path,group\noffline/003.png,hall\nonline/003.png,hall\noffline/001.png,hall\n"
    (folder / "manifest.csv").write_text(rows, encoding="utf-8")
    groups = related(folder)
    assert groups["offline/000.png"] == groups["offline/the same bytes.png"]
    assert groups["offline/002.png"] == groups["offline/brightness_002.png"] != groups["online/002.png"]
    hall = {path for path, group in groups.items() if group == "hall"}
    assert hall == {"offline/003.png", "online/003.png", "offline/001.png", "offline/saved again.jpg"}
    assert len(set(groups.values())) == 8 + 8 - 2


def test_the_same_name_in_both_classes_is_no_relation(tmp_path: Path) -> None:
    groups = related(scenes(tmp_path, 4, 4))
    assert len(set(groups.values())) == 8


def test_families_of_sources_are_one_group() -> None:
    data = [Sample("a", 0, "ropensci/roweb3", "a"), Sample("b", 1, "ropensci-archive/roweb2", "b")]
    assert len(set(group_names(data, []))) == 1


def test_unreadable_files_are_left_out_and_listed(tmp_path: Path) -> None:
    folder = scenes(tmp_path, 4, 4)
    (folder / "online" / "film.gif").write_bytes(b"GIF89a" + bytes(40))
    result = split(folder, SHARES, 0)
    assert [item.path for item in result.skipped] == ["online/film.gif"]
    assert sum(sum(pair.values()) for pair in result.counts().values()) == 8


def test_by_name_lets_relatives_cross_and_counts_them(tmp_path: Path) -> None:
    folder = scenes(tmp_path, 6, 6)
    for index in range(6):
        Image.open(folder / "online" / f"{index:03}.png").save(folder / "online" / f"brightness_{index:03}.png")
    shares = shares_of(0.5, 0.5, 0.0)
    assert split(folder, shares, 0, by_group=False).related("val", "train") == 6
    assert split(folder, shares, 0).related("val", "train") == 0


def test_a_class_without_readable_pictures_is_refused(tmp_path: Path) -> None:
    folder = scenes(tmp_path, 4, 0)
    (folder / "online" / "broken.png").write_bytes(b"no picture")
    with pytest.raises(
        TrainingError, match=r"no readable picture; the first file, online/broken\.png: The bytes are not"
    ):
        split(folder, SHARES, 0)


def test_classes_that_do_not_see_each_other_are_spread_over_all_folds() -> None:
    alone = [Sample(f"{n}.png", n // 300, f"site {n // 100}", str(n)) for n in range(600)]
    assert sorted(len(fold) for fold in grouped_folds(alone, 4)) == [100, 100, 200, 200]


def test_parts_by_name_that_would_miss_a_class_are_refused(tmp_path: Path) -> None:
    for name in ("offline", "online"):
        (tmp_path / name).mkdir()
        for seed in range(3):
            scene(10 * len(name) + seed).save(tmp_path / name / f"{seed}.png")
    with pytest.raises(TrainingError, match=r"^test would hold no offline picture: there are too few for these shares"):
        split(tmp_path, SHARES, 0, by_group=False)
