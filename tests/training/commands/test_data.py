"""analyze, split and augment as a person types them: what is printed, what is written, and mistakes as one sentence."""

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.training.scenes import scenes

Capture = pytest.CaptureFixture[str]
End = Callable[..., object]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return scenes(tmp_path / "photos", 12, 8)


def test_the_three_steps_lead_from_one_to_the_next(folder: Path, tmp_path: Path, end: End, capsys: Capture) -> None:
    report, more, parts = tmp_path / "report", tmp_path / "more", tmp_path / "parts"
    assert end("analyze", folder, "--out", report) == 0
    said = capsys.readouterr().out
    assert "12 offline, 8 online; 0 unreadable; 0 near-duplicate pair(s)\n" in said
    assert f"wrote {report}/index.html\nnext: python -m training split {folder} SPLIT\n" in said
    assert end("augment", folder, more) == 0
    said = capsys.readouterr().out
    assert "made 4 copies of 2 pictures: the classes balance\n" in said
    assert "class weights balance the loss: offline 0.833, online 1.250\n" in said
    assert f"wrote {more}\nnext: python -m training split {more} SPLIT\n" in said
    assert (more / "copies.png").exists()
    assert (more / "views.png").exists()
    assert end("split", more, parts) == 0
    said = capsys.readouterr().out
    assert "WARNING" not in said
    assert f"wrote {parts}\nnext: python -m training train {parts} RUN\n" in said
    assert {path.name for path in parts.iterdir()} == {"train", "val", "test", "split.json"}


def test_split_prints_what_was_asked_and_what_came_of_it(
    folder: Path, tmp_path: Path, end: End, capsys: Capture
) -> None:
    assert end("split", folder, tmp_path / "parts") == 0
    table = capsys.readouterr().out
    assert "part     asked     got   offline    online   groups\n" in table
    assert "test     15.0%   15.0%         2         1        3\n" in table


def test_split_by_name_warns_of_relatives(folder: Path, tmp_path: Path, end: End, capsys: Capture) -> None:
    rows = "".join(
        f"{label}/{n:03}.png,hall\n" for label, count in (("offline", 12), ("online", 8)) for n in range(count)
    )
    (folder / "manifest.csv").write_text("path,group\n" + rows, encoding="utf-8")
    assert end("split", folder, tmp_path / "parts", "--ignore-groups", "--test", 0) == 0
    assert "WARNING: 15 of 15 val pictures have a relative" in capsys.readouterr().out


def test_analyze_moves_bad_files_only_when_told_to(folder: Path, tmp_path: Path, end: End, capsys: Capture) -> None:
    shutil.copy(folder / "offline" / "000.png", folder / "online" / "both.png")
    assert end("analyze", folder, "--out", tmp_path / "report") == 0
    said = capsys.readouterr().out
    assert "WARNING: the same picture in both classes: offline/000.png, online/both.png\n" in said
    assert "2 file(s) should not be trained on; move them away with --quarantine FOLDER\n" in said
    assert (folder / "online" / "both.png").exists()
    bad = tmp_path / "bad"
    assert end("analyze", folder, "--out", tmp_path / "report", "--quarantine", bad) == 0
    undo = f"cp -rn {bad}/offline {bad}/online {folder}"
    assert f"moved 2 file(s) to {bad}; to put them back: {undo}\n" in capsys.readouterr().out
    assert not (folder / "online" / "both.png").exists()


@pytest.mark.parametrize("step", ["analyze", "split", "augment"])
@pytest.mark.parametrize("wrong", ["absent", "a file", "one class", "an empty class", "only broken files"])
def test_wrong_folders_end_in_one_sentence(folder: Path, tmp_path: Path, end: End, step: str, wrong: str) -> None:
    out = ["--out", tmp_path / "out"] if step == "analyze" else [tmp_path / "out"]
    if wrong == "absent":
        folder = tmp_path / "absent"
    elif wrong == "a file":
        folder = folder / "offline" / "000.png"
    else:
        shutil.rmtree(folder / "online")
    if wrong in ("an empty class", "only broken files"):
        (folder / "online").mkdir()
    if wrong == "only broken files":
        shutil.rmtree(folder / "offline")
        for label in ("offline", "online"):
            (folder / label).mkdir(exist_ok=True)
            (folder / label / "broken.jpg").write_bytes(b"no picture")
    message = end(step, folder, *out)
    assert isinstance(message, str)
    assert message.startswith("error: ")
    assert "\n" not in message


@pytest.mark.parametrize(
    ("step", "option"), [("analyze", "--out"), ("analyze", "--quarantine"), ("split", None), ("augment", None)]
)
def test_writing_into_the_data_is_refused(
    folder: Path, tmp_path: Path, end: End, step: str, option: str | None
) -> None:
    message = end(step, folder, *filter(None, [option]), folder / "out")
    assert message == f"error: {folder}/out lies inside {folder}; name a folder outside of the data."
    assert not (folder / "out").exists()


def test_a_report_where_a_file_lies_is_one_sentence(folder: Path, tmp_path: Path, end: End) -> None:
    (tmp_path / "report").write_text("mine", encoding="utf-8")
    assert (
        end("analyze", folder, "--out", tmp_path / "report")
        == f"error: {tmp_path}/report: File exists; name another place to write to."
    )


def test_a_quarantine_must_be_new_and_apart_from_the_report(folder: Path, tmp_path: Path, end: End) -> None:
    bad = tmp_path / "bad"
    message = end("analyze", folder, "--out", bad / "report", "--quarantine", bad)
    assert message == f"error: {bad}/report lies inside {bad}; give --out another folder."
    (bad / "offline").mkdir(parents=True)
    message = end("analyze", folder, "--out", tmp_path / "report", "--quarantine", bad)
    assert message == f"error: {bad} exists already and is not an empty folder; name a new one."
    assert not (tmp_path / "report").exists()


def test_names_that_are_no_utf8_stop_no_step(folder: Path, tmp_path: Path, end: End, capsys: Capture) -> None:
    odd = os.fsdecode(b"\xff\xfe")
    shutil.copy(folder / "online" / "000.png", folder / "online" / f"{odd}.png")
    (folder / "offline" / f"{odd}.gif").write_bytes(b"GIF89a" + bytes(40))
    more, parts, report = tmp_path / "more", tmp_path / "parts", tmp_path / "report"
    assert end("analyze", folder, "--out", report) == 0
    assert end("augment", folder, more) == 0
    assert end("split", folder, parts) == 0
    said = capsys.readouterr().out
    assert "same bytes: online/000.png, online/\\udcff\\udcfe.png\n" in said
    assert said.count("left out: offline/\\udcff\\udcfe.gif: GIF is not accepted;") == 2
    assert json.loads((parts / "split.json").read_text(encoding="utf-8"))["left_out"][0]["path"] == f"offline/{odd}.gif"
    assert json.loads((report / "analysis.json").read_text(encoding="utf-8"))["equal"][0][1] == f"online/{odd}.png"
    assert "<td><code>offline/\\udcff\\udcfe.gif</code></td>" in (report / "index.html").read_text(encoding="utf-8")
    assert end("split", more, tmp_path / "again") == 0
