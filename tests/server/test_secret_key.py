"""The secret key: made once, for its owner's eyes."""

import subprocess
import sys
from pathlib import Path

import pytest

from server.env import ROOT, SettingsError
from server.secret_key import read_or_make

CODE = "import sys, pathlib; from server.secret_key import read_or_make; print(read_or_make(pathlib.Path(sys.argv[1])))"


def test_key_is_made_once_with_mode_0600(tmp_path: Path) -> None:
    path = tmp_path / "var" / "secret_key"
    key = read_or_make(path)
    assert len(key) == 50
    assert path.stat().st_mode & 0o777 == 0o600
    assert read_or_make(path) == key
    assert [entry.name for entry in path.parent.iterdir()] == ["secret_key"]


def test_processes_that_start_at_once_have_one_key(tmp_path: Path) -> None:
    command = [sys.executable, "-c", CODE, str(tmp_path / "secret_key")]
    started = [subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) for _ in range(4)]
    assert len({process.communicate()[0] for process in started}) == 1


def test_unwritable_folder_is_told(tmp_path: Path) -> None:
    (tmp_path / "var").write_text("a file")
    with pytest.raises(SettingsError, match=r"Make its folder writable\.$"):
        read_or_make(tmp_path / "var" / "secret_key")


def test_empty_key_is_told(tmp_path: Path) -> None:
    (tmp_path / "secret_key").write_text("\n")
    with pytest.raises(SettingsError, match="is empty: delete it, and the next start makes a new secret key"):
        read_or_make(tmp_path / "secret_key")
