"""Kept pictures: whole or not at all, and no temporary file left."""

import errno
import hashlib
import os
import subprocess
import sys
from pathlib import Path

import pytest

from Pm.images import INCOMING, Picture, image_path, remove_left_overs

ROOT = Path(__file__).resolve().parents[2]
SHA256 = "ab" * 32


# In a process of its own: the limit holds for every file, the test report too.
SAVE_ON_A_FULL_DISK = """
import resource, sys
from pathlib import Path
from Pm.images import image_save
resource.setrlimit(resource.RLIMIT_FSIZE, (10, 10))
try:
    image_save(path=Path(sys.argv[1]), image=b"x" * 1000)
except OSError as exc:
    sys.exit(exc.strerror)
"""


@pytest.mark.parametrize(
    ("image_format", "extension"),
    [("JPEG", "jpg"), ("PNG", "png"), ("WEBP", "webp"), ("BMP", "bmp"), ("AVIF", "avif"), ("NEW", "bin")],
)
def test_name_is_made_of_hash_and_format_only(image_format: str, extension: str) -> None:
    assert image_path(Path("media"), SHA256, image_format) == Path(f"media/ab/{SHA256}.{extension}")


def test_nothing_is_left_when_the_disk_is_full(tmp_path: Path) -> None:
    path = image_path(tmp_path, SHA256, "PNG")
    command = [sys.executable, "-c", SAVE_ON_A_FULL_DISK, str(path)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=False)
    assert done.stderr == "File too large\n"
    assert list(path.parent.iterdir()) == []


def test_a_picture_gets_its_name_once_its_format_is_known(tmp_path: Path) -> None:
    picture = Picture(b"pixels", tmp_path)
    picture.prepare()
    (written,) = (tmp_path / INCOMING).iterdir()
    assert (written.read_bytes(), written.stat().st_mode & 0o777) == (b"pixels", 0o600)
    picture.prepare()
    picture.keep("PNG")
    picture.discard()
    (kept,) = (path for path in tmp_path.rglob("*") if path.is_file())
    assert (kept, kept.read_bytes()) == (image_path(tmp_path, picture.sha256, "PNG"), b"pixels")


def test_a_discarded_picture_leaves_nothing(tmp_path: Path) -> None:
    picture = Picture(b"pixels", tmp_path)
    picture.prepare()
    picture.discard()
    picture.discard()
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def test_a_kept_picture_is_not_written_again(tmp_path: Path) -> None:
    for _ in range(2):
        picture = Picture(b"pixels", tmp_path)
        picture.prepare()
        picture.keep("PNG")
    os.utime(image_path(tmp_path, picture.sha256, "PNG"), (1, 1))
    again = Picture(b"pixels", tmp_path)
    again.prepare()
    assert [path.name for path in tmp_path.rglob("*") if path.is_file()] == [f"{picture.sha256}.png"]
    again.keep("PNG")
    assert image_path(tmp_path, picture.sha256, "PNG").stat().st_mtime > 1


def test_what_was_pruned_while_the_model_worked_is_written_again(tmp_path: Path) -> None:
    kept = image_path(tmp_path, Picture(b"pixels", None).sha256, "PNG")
    kept.parent.mkdir()
    kept.write_bytes(b"pixels")
    picture = Picture(b"pixels", tmp_path)
    picture.prepare()
    kept.unlink()
    picture.keep("PNG")
    assert kept.read_bytes() == b"pixels"


def test_a_failure_to_write_is_told_when_the_picture_is_to_be_kept(tmp_path: Path) -> None:
    (tmp_path / "media").write_text("a file where the folder should be")
    picture = Picture(b"pixels", tmp_path / "media")
    picture.prepare()
    with pytest.raises(NotADirectoryError):
        picture.keep("PNG")


def test_without_a_folder_a_picture_is_hashed_only() -> None:
    picture = Picture(b"pixels", None)
    picture.prepare()
    assert vars(picture)["sha256"] == hashlib.sha256(b"pixels").hexdigest()  # while the model works, not later
    picture.keep("PNG")


def test_a_disk_that_refuses_the_clean_up_hides_no_other_failure(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    picture = Picture(b"pixels", tmp_path)
    picture.prepare()

    def refuse(*_: object, **__: object) -> None:
        raise OSError(errno.EROFS, "Read-only file system")

    monkeypatch.setattr(Path, "unlink", refuse)
    picture.discard()
    assert "temporary file not removed" in caplog.text


def test_what_killed_processes_left_is_removed(tmp_path: Path) -> None:
    folder = tmp_path / INCOMING
    folder.mkdir()
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    names = [f".{SHA256}-{gone.pid}-1", f".{SHA256}-{os.getpid()}-1", f"{SHA256}.png"]
    for name in names:
        (folder / name).touch()
    remove_left_overs(tmp_path)
    assert {path.name for path in folder.iterdir()} == set(names[1:])
