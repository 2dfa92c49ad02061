"""What manifest.csv may say of the files beside it, and what is refused."""

from pathlib import Path

import pytest

from training.errors import TrainingError
from training.photos.manifest import read_groups

FILES = ("offline/1.png", "offline/2.png", "online/1.png")
ODD = "offline/\udcff\udcfe.png"  # as Python reads a name of the bytes FF FE


def groups_of(folder: Path, text: str | bytes, files: tuple[str, ...] = FILES) -> dict[str, str]:
    path = folder / "manifest.csv"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return read_groups(path, files)


def test_without_a_manifest_there_are_no_groups(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert read_groups(tmp_path / "manifest.csv", FILES) == {}
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize(
    "text",
    [
        "path,group\n1.png,hall\n./offline/1.png,hall\n",
        "cls,file,repo\ndataset,1.png,hall\n",
        "cls,file,repo\noffline\n",
    ],
)
def test_a_manifest_that_matches_no_file_is_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(TrainingError) as refused:
        groups_of(tmp_path, text)
    assert str(refused.value) == (
        f"{tmp_path}/manifest.csv names none of the 3 files beside it; path, or cls and file with a / between them, "
        "must read like offline/1.png."
    )


def test_a_table_without_rows_gives_no_groups(tmp_path: Path) -> None:
    assert groups_of(tmp_path, "path,group\n") == {}


def test_how_many_files_have_no_group_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert groups_of(tmp_path, "path,group\noffline/2.png,hall\nonline/1.png,\ngone.png,x\n") == {FILES[1]: "hall"}
    sentence = "manifest.csv gives no group to 2 of 3 files: each counts as a source of its own\n"
    assert capsys.readouterr().out == f"{tmp_path}/{sentence}"


def test_a_whole_manifest_is_read_in_silence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = "path,group\n" + "".join(f"{name},hall\n" for name in FILES)
    assert groups_of(tmp_path, text) == dict.fromkeys(FILES, "hall")
    assert capsys.readouterr().out == ""


def test_a_file_in_two_groups_is_refused_and_twice_in_one_is_not(tmp_path: Path) -> None:
    twice = "path,group\noffline/1.png,hall\noffline/1.png,\noffline/1.png,hall\n"
    assert groups_of(tmp_path, twice) == {"offline/1.png": "hall"}
    with pytest.raises(TrainingError, match=r"puts offline/1\.png into two groups, hall and room; keep one row\.$"):
        groups_of(tmp_path, twice + "offline/1.png,room\n")


def test_a_name_that_is_no_utf8_is_found_by_its_bytes(tmp_path: Path) -> None:
    table = b"path,group\noffline/\xff\xfe.png,hall\n"
    assert groups_of(tmp_path, table, (*FILES, ODD)) == {ODD: "hall"}


@pytest.mark.parametrize(
    "table",
    [
        b"path,group\noffline/1.png,\xbd\xcc\xca\xd2\n",  # a group in GBK
        b"path,group\noffline/1.png,hall\nonline/\xff\xfe.png,hall\n",  # no such file
        b"path,group,\xff\noffline/1.png,hall,\n",
    ],
)
def test_other_encodings_are_refused(tmp_path: Path, table: bytes) -> None:
    with pytest.raises(TrainingError, match=r"manifest\.csv is not a CSV table in UTF-8\.$"):
        groups_of(tmp_path, table)
