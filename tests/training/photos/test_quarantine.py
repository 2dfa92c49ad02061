"""Moving bad files away, and back."""

import csv
import os
import shlex
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.training.scenes import scene, scenes
from training.errors import TrainingError
from training.photos.analyze import analyze
from training.photos.quarantine import bad_files, move_bad_files, undo_command


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    root = scenes(tmp_path / "my photos", 4, 3)
    shutil.copy(root / "offline" / "000.png", root / "offline" / "again.png")
    shutil.copy(root / "offline" / "001.png", root / "online" / "both.png")
    scene(2).save(root / "online" / "both.jpg", quality=60)
    (root / "offline" / "film.gif").write_bytes(b"GIF89a" + bytes(40))
    return root


def contents(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


BAD = {
    "offline/film.gif": "GIF is not accepted; send JPEG, PNG, WebP, BMP or AVIF.",
    "offline/001.png": "The same picture is in the other class: online/both.png.",
    "online/both.png": "The same picture is in the other class: offline/001.png.",
    "offline/002.png": "The same picture is in the other class: online/both.jpg.",
    "online/both.jpg": "The same picture is in the other class: offline/002.png.",
    "offline/again.png": "A copy of offline/000.png, byte for byte.",
}


def test_bad_files_are_unreadable_in_both_classes_or_one_copy_too_many(folder: Path) -> None:
    assert bad_files(analyze(folder)) == BAD


def test_bad_files_move_with_their_class_and_a_row_each(folder: Path, tmp_path: Path) -> None:
    before = contents(folder)
    assert move_bad_files(analyze(folder), tmp_path / "bad") == 6
    moved = contents(tmp_path / "bad")
    rows = list(csv.DictReader(moved.pop("quarantine.csv").decode().splitlines()))
    assert {row["path"]: row["reason"] for row in rows} == BAD
    assert moved == {path: before[path] for path in BAD}
    assert contents(folder) == {path: data for path, data in before.items() if path not in BAD}
    assert bad_files(analyze(folder)) == {}


def test_the_command_that_is_named_puts_everything_back(folder: Path, tmp_path: Path) -> None:
    before, analysis = contents(folder), analyze(folder)
    move_bad_files(analysis, tmp_path / "the bad ones")
    subprocess.run(shlex.split(undo_command(analysis, tmp_path / "the bad ones")), check=True)
    assert contents(folder) == before


def test_a_quarantine_that_holds_anything_is_refused_and_nothing_moves(folder: Path, tmp_path: Path) -> None:
    analysis = analyze(folder)
    move_bad_files(analysis, tmp_path / "bad")
    (folder / "offline" / "film.gif").write_bytes(b"GIF89a, another")
    before, moved = contents(folder), contents(tmp_path / "bad")
    with pytest.raises(TrainingError, match=r"bad exists already and is not an empty folder; name a new one\.$"):
        move_bad_files(analyze(folder), tmp_path / "bad")
    assert (contents(folder), contents(tmp_path / "bad")) == (before, moved)


def test_a_name_that_is_no_utf8_moves_with_its_row_and_comes_back(tmp_path: Path) -> None:
    folder = scenes(tmp_path / "photos", 2, 2)
    (folder / "offline" / os.fsdecode(b"\xff\xfe.gif")).write_bytes(b"GIF89a" + bytes(40))
    before, analysis = contents(folder), analyze(folder)
    assert move_bad_files(analysis, tmp_path / "bad") == 1
    assert (
        b'\noffline/\xff\xfe.gif,offline/\xff\xfe.gif,"GIF is not' in (tmp_path / "bad" / "quarantine.csv").read_bytes()
    )
    subprocess.run(shlex.split(undo_command(analysis, tmp_path / "bad")), check=True)
    assert contents(folder) == before


def test_unsorted_photos_move_and_come_back_too(folder: Path, tmp_path: Path) -> None:
    before, analysis = contents(folder / "offline"), analyze(folder / "offline")
    assert move_bad_files(analysis, tmp_path / "bad") == 2
    assert (tmp_path / "bad" / "unlabelled" / "film.gif").exists()
    subprocess.run(shlex.split(undo_command(analysis, tmp_path / "bad")), check=True)
    assert contents(folder / "offline") == before


def test_a_quarantine_inside_the_data_is_refused(folder: Path) -> None:
    with pytest.raises(TrainingError, match=r"lies inside .*; name a folder outside of the data\.$"):
        move_bad_files(analyze(folder), folder / "bad")
