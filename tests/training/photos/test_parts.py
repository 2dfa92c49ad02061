"""What a split writes: parts that are data sets, and split.json."""

import json
from pathlib import Path

import pytest

from tests.training.scenes import scenes
from training.photos.data import scan
from training.photos.parts import part_or_whole, write_parts
from training.photos.split import shares_of, split


@pytest.fixture
def parts(tmp_path: Path) -> Path:
    folder = scenes(tmp_path / "data", 20, 12)
    (folder / "online" / "film.gif").write_bytes(b"GIF89a" + bytes(40))
    result = split(folder, shares_of(0.3, 0.7, 0.15), 7)
    write_parts(folder, result, tmp_path / "out", {"command": "as typed", "seed": 7})
    return tmp_path / "out"


def test_the_parts_are_data_sets_that_hold_every_picture_once(parts: Path, tmp_path: Path) -> None:
    found = [sample for part in ("train", "val", "test") for sample in scan(parts / part)]
    assert sorted(s.path for s in found) == [s.path for s in scan(tmp_path / "data") if not s.path.endswith("gif")]
    assert all(sample.group == sample.sha256 for sample in found)


def test_split_json_says_what_was_asked_and_what_came_of_it(parts: Path) -> None:
    document = json.loads((parts / "split.json").read_text(encoding="utf-8"))
    assert (document["command"], document["seed"], len(document["data_sha256"])) == ("as typed", 7, 64)
    assert document["parts"] == {
        "test": {"pictures": {"offline": 3, "online": 2}, "groups": 5, "share_asked": 0.15, "share_reached": 0.1562},
        "train": {"pictures": {"offline": 5, "online": 3}, "groups": 8, "share_asked": 0.255, "share_reached": 0.25},
        "val": {"pictures": {"offline": 12, "online": 7}, "groups": 19, "share_asked": 0.595, "share_reached": 0.5938},
    }
    assert document["val_pictures_related_to_train"] == 0
    assert [item["path"] for item in document["left_out"]] == ["online/film.gif"]


def test_no_test_part_is_written_when_none_is_asked_for(tmp_path: Path) -> None:
    folder = scenes(tmp_path / "data", 4, 4)
    write_parts(folder, split(folder, shares_of(0.5, 0.5, 0), 0), tmp_path / "out", {})
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["split.json", "train", "val"]


def test_the_first_part_that_there_is_is_taken_and_else_the_whole(tmp_path: Path) -> None:
    assert part_or_whole(tmp_path, "test", "val") == tmp_path
    (tmp_path / "val").mkdir()
    assert part_or_whole(tmp_path, "test", "val") == tmp_path / "val"
    (tmp_path / "test").mkdir()
    assert part_or_whole(tmp_path, "test", "val") == tmp_path / "test"
    assert part_or_whole(tmp_path, "train") == tmp_path
