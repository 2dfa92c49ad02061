"""Reading a folder: order, groups, what is skipped and what is refused."""

from pathlib import Path

import numpy as np
import pytest

from resnet_server.preprocess import PreprocessSpec, preprocess
from tests.training.noise import HEIGHT, WIDTH, picture
from training.data import Skipped, load
from training.errors import TrainingError


def test_load_reads_every_picture_with_its_label_and_group(folder: Path) -> None:
    data = load(folder, HEIGHT, WIDTH)
    assert data.images.shape == (32, HEIGHT, WIDTH, 3)
    assert data.images.dtype == np.uint8
    assert data.labels.tolist() == [0] * 16 + [1] * 16
    assert [sample.group for sample in data.samples[:5]] == ["north", "south", "east", "west", "north"]
    assert data.skipped == ()


def test_load_gives_the_pixels_that_serving_sees(folder: Path) -> None:
    data = load(folder, HEIGHT, WIDTH)
    served, _ = preprocess((folder / "online" / "03.png").read_bytes(), PreprocessSpec(HEIGHT, WIDTH))
    assert np.array_equal(data.images[19], served)


def test_load_gives_the_same_from_its_cache(folder: Path, tmp_path: Path) -> None:
    fresh, cached = (load(folder, HEIGHT, WIDTH, tmp_path) for _ in range(2))
    assert np.array_equal(fresh.images, cached.images)
    assert (fresh.samples, fresh.sha256) == (cached.samples, cached.sha256)


def test_load_lists_unreadable_files_with_the_reason(tmp_path: Path) -> None:
    for label, name in enumerate(("offline", "online")):
        (tmp_path / name).mkdir()
        picture(label, 0).save(tmp_path / name / "good.png")
    (tmp_path / "online" / "film.gif").write_bytes(b"GIF89a" + bytes(40))
    whole = (tmp_path / "online" / "good.png").read_bytes()
    (tmp_path / "online" / "half.png").write_bytes(whole[: len(whole) // 2])
    data = load(tmp_path, HEIGHT, WIDTH)
    assert data.skipped == (
        Skipped("online/film.gif", "GIF is not accepted; send JPEG, PNG, WebP, BMP or AVIF."),
        Skipped("online/half.png", "The image is damaged or cut short; send the whole file."),
    )
    assert [sample.path for sample in data.samples] == ["offline/good.png", "online/good.png"]
    assert len(data.images) == 2


def test_load_groups_equal_pictures_when_there_is_no_manifest(tmp_path: Path) -> None:
    for label, name in enumerate(("offline", "online")):
        (tmp_path / name).mkdir()
        picture(label, 0).save(tmp_path / name / "one.png")
        picture(label, 0).save(tmp_path / name / "two.png")
    groups = [sample.group for sample in load(tmp_path, HEIGHT, WIDTH).samples]
    assert groups[0] == groups[1] != groups[2] == groups[3]


def test_load_refuses_a_folder_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match=r"is not a folder; give one with the sub-folders offline and online\.$"):
        load(tmp_path / "absent", HEIGHT, WIDTH)


def test_load_refuses_other_classes(tmp_path: Path) -> None:
    (tmp_path / "cats").mkdir()
    with pytest.raises(TrainingError, match=r"must hold the sub-folders offline and online, and holds \['cats'\]\.$"):
        load(tmp_path, HEIGHT, WIDTH)


def test_load_refuses_an_empty_class(tmp_path: Path) -> None:
    for name in ("offline", "online"):
        (tmp_path / name).mkdir()
    picture(0, 0).save(tmp_path / "offline" / "one.png")
    with pytest.raises(TrainingError, match=r"online holds no readable picture\.$"):
        load(tmp_path, HEIGHT, WIDTH)


def test_load_refuses_a_manifest_without_groups(tmp_path: Path) -> None:
    for label, name in enumerate(("offline", "online")):
        (tmp_path / name).mkdir()
        picture(label, 0).save(tmp_path / name / "one.png")
    (tmp_path / "manifest.csv").write_text("cls,file\noffline,one.png\n", encoding="utf-8")
    with pytest.raises(TrainingError, match=r"has no column repo\.$"):
        load(tmp_path, HEIGHT, WIDTH)
