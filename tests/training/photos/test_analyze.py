"""What an analysis finds in a folder, and what it refuses."""

import json
import shutil
from pathlib import Path

import pytest
from PIL import Image

from tests.training.scenes import scene, scenes
from training.errors import TrainingError
from training.photos.analyze import Analysis, Pair, analyze, write_analysis
from training.photos.data import LABELS, Skipped


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with one of each problem."""
    root = scenes(tmp_path / "photos", 6, 4)
    shutil.copy(root / "offline" / "000.png", root / "offline" / "again.png")
    shutil.copy(root / "offline" / "001.png", root / "online" / "both.png")
    scene(2).save(root / "online" / "both.jpg", quality=60)
    scene(3, 80, 60).save(root / "offline" / "small.png")
    (root / "offline" / "film.gif").write_bytes(b"GIF89a" + bytes(40))
    (root / "online" / "film.jpg").write_bytes(b"\0\0\0\x20ftypisom" + bytes(40))
    (root / "online" / ".DS_Store").write_bytes(b"x")
    return root


@pytest.fixture
def analysis(folder: Path) -> Analysis:
    return analyze(folder)


def test_pictures_are_counted_by_class(analysis: Analysis) -> None:
    assert {label: len(analysis.of(label)) for label in analysis.labels} == {"offline": 8, "online": 6}


def test_unreadable_files_are_listed_with_the_reason_that_serving_gives(analysis: Analysis) -> None:
    assert analysis.rejected == (
        Skipped("offline/film.gif", "GIF is not accepted; send JPEG, PNG, WebP, BMP or AVIF."),
        Skipped("online/film.jpg", "MP4 or HEIC is not accepted; send JPEG, PNG, WebP, BMP or AVIF."),
    )


def test_exact_copies_and_pictures_in_both_classes_are_told_apart(analysis: Analysis) -> None:
    assert analysis.equal == (("offline/000.png", "offline/again.png"), ("offline/001.png", "online/both.png"))
    assert analysis.equal_copies == [("offline/000.png", "offline/again.png")]
    assert analysis.equal_conflicts == [("offline/001.png", "online/both.png")]


def test_near_duplicates_are_found_within_and_across_classes(analysis: Analysis) -> None:
    pairs = {(pair.first, pair.second) for pair in analysis.near}
    assert pairs == {("offline/002.png", "online/both.jpg"), ("offline/003.png", "offline/small.png")}
    assert [(pair.first, pair.second) for pair in analysis.near_conflicts] == [("offline/002.png", "online/both.jpg")]
    assert all(isinstance(pair, Pair) and pair.distance <= 10 and pair.correlation >= 0.9 for pair in analysis.near)


def test_nothing_in_the_folder_changes(folder: Path) -> None:
    before = {path: path.stat().st_mtime_ns for path in folder.rglob("*")}
    analyze(folder)
    assert {path: path.stat().st_mtime_ns for path in folder.rglob("*")} == before


def test_sizes_are_upright_and_in_bytes(tmp_path: Path) -> None:
    root = scenes(tmp_path, 1, 1)
    exif = Image.Exif()
    exif[0x0112] = 6
    scene(5, 90, 60).save(root / "online" / "phone.jpg", exif=exif)
    phone = next(p for p in analyze(root).pictures if p.sample.path == "online/phone.jpg")
    assert (phone.width, phone.height) == (60, 90)
    assert phone.bytes == (root / "online" / "phone.jpg").stat().st_size


def test_analysis_json_holds_all_of_it(analysis: Analysis, tmp_path: Path) -> None:
    document = json.loads(write_analysis(analysis, tmp_path / "out").read_text(encoding="utf-8"))
    assert document["pictures"] == {"offline": 8, "online": 6}
    assert len(document["rejected"]) == 2
    assert document["same_picture_in_both_classes"]["equal"] == [["offline/001.png", "online/both.png"]]
    assert document["same_picture_in_both_classes"]["near"][0]["second"] == "online/both.jpg"
    middles = {side: round((dense["low"] + dense["high"]) / 2) for side, dense in document["dense"].items()}
    assert document["suggested_input"] == middles
    assert document["data_sha256"] == analysis.sha256


def test_photos_that_are_not_sorted_yet_are_unlabelled(folder: Path) -> None:
    analysis = analyze(folder / "offline")
    assert analysis.labels == ("unlabelled",)
    assert len(analysis.of("unlabelled")) == 8
    assert analysis.equal == (("000.png", "again.png"),)
    assert not analysis.equal_conflicts
    assert not analysis.near_conflicts


def test_a_missing_class_is_one_sentence(tmp_path: Path) -> None:
    shutil.rmtree(scenes(tmp_path, 1, 1) / "online")
    with pytest.raises(TrainingError, match=r"must hold the sub-folders offline and online, and holds offline\.$"):
        analyze(tmp_path)


def test_an_empty_class_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match=r"online is empty; put the online photos there\.$"):
        analyze(scenes(tmp_path, 1, 0))


def test_an_empty_folder_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match=r"is empty; give a folder of photos, or one with offline and online in it"):
        analyze(tmp_path)


def test_a_folder_that_is_not_there_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match=r"absent is not a folder; give one with the sub-folders"):
        analyze(tmp_path / "absent")


def test_a_folder_without_any_picture_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("to do", encoding="utf-8")
    with pytest.raises(TrainingError, match=r"holds no readable picture; the first file: The bytes are not"):
        analyze(tmp_path)


def test_many_groups_of_copies_are_told_apart_in_one_pass(monkeypatch: pytest.MonkeyPatch) -> None:
    groups = [(f"offline/{n}.png", f"{'online' if n % 2 else 'offline'}/{n}-2.png") for n in range(100)]
    asked: list[str] = []
    label = Analysis.label

    def counted(analysis: Analysis, path: str) -> str:
        asked.append(path)
        return label(analysis, path)

    monkeypatch.setattr(Analysis, "label", counted)
    analysis = Analysis(Path(), LABELS, (), (), tuple(groups), (), "")
    assert analysis.equal_copies == groups[::2]
    assert len(asked) == 200
    assert analysis.equal_conflicts == groups[1::2]
