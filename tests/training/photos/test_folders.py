"""New folders, links and manifests."""

import errno
import json
import shutil
from pathlib import Path

import pytest

from training.errors import TrainingError
from training.photos.data import Sample
from training.photos.folders import (
    check_empty,
    check_new,
    link_or_copy,
    new_folder,
    outside,
    scratch,
    write_json,
    write_manifest,
)


def test_a_new_folder_may_be_absent_or_empty(tmp_path: Path) -> None:
    for _ in range(2):
        new_folder(tmp_path / "deep" / "out", tmp_path / "data")
    assert (tmp_path / "deep" / "out").is_dir()


@pytest.mark.parametrize("full", [True, False])
def test_a_full_folder_and_a_file_are_refused(tmp_path: Path, full: bool) -> None:
    out = tmp_path / "out"
    if full:
        out.mkdir()
    (out / "something" if full else out).write_bytes(b"x")
    with pytest.raises(TrainingError, match=r"out exists already and is not an empty folder; name a new one\.$"):
        new_folder(out, tmp_path / "data")


def test_where_nothing_can_be_written_is_no_place_for_a_new_folder(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for out in (tmp_path / "file" / "deep" / "out", Path("/proc/out"), Path("/proc/self/out")):
        with pytest.raises(TrainingError, match=rf"^{out} cannot be written \(.*\); name another place\.$"):
            check_empty(out)


@pytest.mark.parametrize("inner", ["photos", "photos/out", "other/../photos/out"])
def test_a_folder_inside_the_data_is_refused(tmp_path: Path, inner: str) -> None:
    photos = tmp_path / "photos"
    with pytest.raises(TrainingError, match=r"lies inside .*; name a folder outside of the data\.$"):
        outside(tmp_path / inner, photos)


def test_a_link_shares_the_bytes_and_never_overwrites(tmp_path: Path) -> None:
    source, target = tmp_path / "a.png", tmp_path / "deep" / "b.png"
    source.write_bytes(b"picture")
    link_or_copy(source, target)
    assert target.samefile(source)
    with pytest.raises(FileExistsError):
        link_or_copy(source, target)


def test_a_copy_is_made_where_links_cannot_be(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(source: Path, target: Path) -> None:
        raise OSError(errno.EXDEV, "Invalid cross-device link")

    monkeypatch.setattr("training.photos.folders.os.link", refuse)
    (tmp_path / "a.png").write_bytes(b"picture")
    link_or_copy(tmp_path / "a.png", tmp_path / "b.png")
    assert not (tmp_path / "b.png").samefile(tmp_path / "a.png")
    assert (tmp_path / "b.png").read_bytes() == b"picture"


def test_a_manifest_is_sorted_by_path(tmp_path: Path) -> None:
    write_manifest(tmp_path, [Sample("online/合照, 2.png", 1, "hall", "b"), Sample("offline/1.png", 0, "x", "a")])
    expected = 'path,group,sha256\noffline/1.png,x,a\n"online/合照, 2.png",hall,b\n'
    assert (tmp_path / "manifest.csv").read_text(encoding="utf-8") == expected


def test_the_check_alone_makes_no_folder(tmp_path: Path) -> None:
    check_new(tmp_path / "out", tmp_path / "data")
    assert not (tmp_path / "out").exists()


def test_a_manifest_names_files_by_their_bytes(tmp_path: Path) -> None:
    write_manifest(tmp_path, [Sample("online/\udcff.png", 1, "hall", "b")])
    assert (tmp_path / "manifest.csv").read_bytes() == b"path,group,sha256\r\nonline/\xff.png,hall,b\r\n"


def test_json_is_utf8_whatever_the_name_of_a_file(tmp_path: Path) -> None:
    write_json(tmp_path / "about.json", {"path": "合照 \udcff.png"})
    text = (tmp_path / "about.json").read_text(encoding="utf-8")
    assert text == '{\n  "path": "合照 \\udcff.png"\n}\n'
    assert json.loads(text) == {"path": "合照 \udcff.png"}


def test_a_link_to_nothing_is_no_new_folder(tmp_path: Path) -> None:
    (tmp_path / "out").symlink_to(tmp_path / "gone")
    with pytest.raises(TrainingError, match="exists already and is not an empty folder"):
        check_empty(tmp_path / "out")


def test_a_full_disk_below_a_scratch_folder_is_said_whatever_the_library_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    free = shutil.disk_usage(tmp_path)
    with pytest.raises(RuntimeError, match="unexpected pos 64"), scratch():
        raise RuntimeError("unexpected pos 64 vs 0")
    with pytest.raises(TrainingError, match="no room left"), scratch():
        raise OSError(errno.ENOSPC, "No space left on device")  # what was half written is removed already
    with pytest.raises(OSError, match="/models/new"), scratch():
        raise OSError(errno.ENOSPC, "No space left on device", "/models/new")
    monkeypatch.setattr("shutil.disk_usage", lambda _: free._replace(free=4096))
    sentence = rf"^There is no room left in {tmp_path}; free some, or .* by TMPDIR\.$"
    with pytest.raises(TrainingError, match=sentence), scratch():
        raise RuntimeError("unexpected pos 64 vs 0")
    assert list(tmp_path.iterdir()) == []
