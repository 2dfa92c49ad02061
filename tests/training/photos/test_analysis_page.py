"""The page of an analysis: what it says and that everything it shows lies beside it."""

import re
import shutil
from pathlib import Path

import pytest
from PIL import Image

from tests.training.scenes import scene, scenes
from training.photos import analysis_page
from training.photos.analysis_page import write_page
from training.photos.analyze import analyze


def words(page: Path) -> str:
    """The text of a page, without tags and with single spaces."""
    return " ".join(re.sub(r"<style>.*?</style>|<[^>]+>", " ", page.read_text(encoding="utf-8"), flags=re.S).split())


def test_everything_the_page_shows_lies_beside_it(tmp_path: Path) -> None:
    folder = scenes(tmp_path / "photos", 4, 3)
    shutil.copy(folder / "offline" / "000.png", folder / "online" / "both.png")
    scene(1).save(folder / "offline" / "合照 <1>.jpg", quality=50)
    page = write_page(analyze(folder), tmp_path / "out", ["offline/000.png", "online/both.png"])
    shown = set(re.findall(r'(?:src|href)="([^"]+)"', page.read_text(encoding="utf-8")))
    plots = {"w_distribu.png", "h_distribu.png", "aspect.png", "bytes.png"}
    assert plots | {"sheet_offline.jpg", "sheet_online.jpg"} < shown
    assert sum(name.startswith("thumbnails/") for name in shown) == 3
    for name in shown:
        with Image.open(page.parent / name) as image:
            assert min(image.size) > 50
    assert "offline/合照 &lt;1&gt;.jpg" in page.read_text(encoding="utf-8")


def test_the_page_calls_out_a_picture_in_both_classes(tmp_path: Path) -> None:
    folder = scenes(tmp_path / "photos", 3, 3)
    clean = words(write_page(analyze(folder), tmp_path / "out", []))
    assert "One of the two labels is wrong" not in clean
    assert "nothing in the folder was changed. " in clean
    shutil.copy(folder / "offline" / "000.png", folder / "online" / "both.png")
    bad = words(write_page(analyze(folder), tmp_path / "out", ["a", "b"]))
    assert "One of the two labels is wrong" in bad
    assert "2 files should not be trained on: --quarantine FOLDER moves them away" in bad


def test_the_page_tells_how_to_undo_a_quarantine(tmp_path: Path) -> None:
    analysis = analyze(scenes(tmp_path / "photos", 2, 2))
    text = words(write_page(analysis, tmp_path / "out", ["one"], "cp -rn bad photos"))
    assert "1 file was moved away, each with its reason in quarantine.csv . To put everything back: cp -rn bad" in text


def test_the_page_says_the_rule_and_the_server_s_default(tmp_path: Path) -> None:
    text = words(write_page(analyze(scenes(tmp_path / "photos", 3, 2)), tmp_path / "out", []))
    assert "the middle of where widths and heights are dense: 120 × 160 (height × width)" in text
    assert "The server's default is 700 × 500 (height × width)" in text
    assert "1.50 times as many pictures as the smaller. augment would add 1 copy" in text


def test_unsorted_photos_have_a_page_too(tmp_path: Path) -> None:
    folder = scenes(tmp_path / "photos", 3, 0) / "offline"
    assert "These photos are not sorted yet" in words(write_page(analyze(folder), tmp_path / "out", []))


def test_a_class_of_broken_files_has_a_page_that_says_so(tmp_path: Path) -> None:
    folder = scenes(tmp_path / "photos", 2, 0)
    (folder / "online" / "broken.jpg").write_bytes(b"no picture")
    text = words(write_page(analyze(folder), tmp_path / "out", ["online/broken.jpg"]))
    assert "No online picture can be read: the class is empty" in text


def test_a_sheet_shows_pictures_from_all_over_a_large_class(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(analysis_page, "SHOWN", 3)
    analysis = analyze(scenes(tmp_path / "photos", 9, 1))
    drawn: list[str] = []

    def draw(path: Path) -> Image.Image:
        drawn.append(path.name)
        return Image.new("RGB", (9, 9))

    monkeypatch.setattr(analysis_page, "thumbnail", draw)
    (tmp_path / "out").mkdir()
    assert analysis_page.write_sheet(analysis, "offline", tmp_path / "out") == {
        "file": "sheet_offline.jpg", "count": 3, "of": 9,
    }  # fmt: skip
    assert drawn == ["000.png", "004.png", "008.png"]
