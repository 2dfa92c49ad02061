"""Copies the state of a running Pm to a folder: the database in one moment, then the files that it speaks of."""

import os
import shutil
import sqlite3
import subprocess
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from django.conf import settings
from django.db import connection
from django.db.backends.postgresql.client import DatabaseClient

from Pm import canary

FOLDERS = ("media", "models")
KEY_FILE = "secret_key"
SQLITE = "db.sqlite3"
POSTGRESQL = "db.dump"
ALL_PAGES = -1  # in one step: SQLite begins anew when something is written between two, which here is always


class BackupError(Exception):
    """Nothing usable was written; the message says what to do."""


def back_up(target: Path, say: Callable[[str], object]) -> None:
    """Write the database, the pictures, the models and the secret key; what is there already is not copied again.

    The database comes first: a picture is kept before its record is written, so that no record is without its picture.
    The folder has the layout of var/: for SQLite, it can take its place.
    Raises: BackupError, OSError.
    """
    var: Path = settings.GATEWAY.var_dir
    if target.resolve().is_relative_to(var.resolve()):
        raise BackupError(f"{target} lies in var/, which it is a copy of: name another folder.")
    os.umask(0o077)  # records, pictures and the key are for their owner only
    target.mkdir(parents=True, exist_ok=True)
    say(f"wrote {_back_up_database(target)}")
    for folder in FOLDERS:
        if (var / folder).is_dir():
            _forget_pointers(var / folder, target / folder)
            say(f"wrote {target / folder}: {_copy_new(var / folder, target / folder)} new files")
    if (var / KEY_FILE).exists():
        shutil.copyfile(var / KEY_FILE, target / KEY_FILE)
        say(f"wrote {target / KEY_FILE}")


def _back_up_database(target: Path) -> Path:
    """A file that is whole under its name, whatever happens."""
    is_sqlite = connection.vendor == "sqlite"
    path = target / (SQLITE if is_sqlite else POSTGRESQL)
    temporary = path.with_name(f".{path.name}")
    temporary.unlink(missing_ok=True)
    (_dump_sqlite if is_sqlite else _dump_postgresql)(temporary)
    temporary.replace(path)
    return path


def _dump_sqlite(path: Path) -> None:
    """SQLite's own online backup: one moment of the database, its write-ahead log included; writers go on."""
    source = Path(str(connection.settings_dict["NAME"])).resolve()
    try:
        with (
            closing(sqlite3.connect(f"{source.as_uri()}?mode=ro", uri=True)) as live,
            closing(sqlite3.connect(path)) as copy,
        ):
            live.backup(copy, pages=ALL_PAGES)
            if (found := copy.execute("PRAGMA integrity_check").fetchone()[0]) != "ok":
                raise BackupError(f"The database is damaged: {found}.")
    except sqlite3.Error as exc:
        raise BackupError(f"{source} cannot be copied: {exc}.") from exc


def _dump_postgresql(path: Path) -> None:
    """pg_dump's one snapshot; the password travels in its environment."""
    psql, env = DatabaseClient.settings_to_cmd_args_env(connection.settings_dict, [])
    command = ["pg_dump", "--format=custom", "--no-owner", f"--file={path}", *psql[1:]]
    try:
        done = subprocess.run(
            command, env=os.environ | (env or {}), stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
        )
    except FileNotFoundError as exc:
        raise BackupError("pg_dump is not installed: apt-get install postgresql-client.") from exc
    if done.returncode:
        raise BackupError(f"pg_dump failed: {' '.join(done.stderr.split())}")


def _copy_new(source: Path, target: Path) -> int:
    """Copy files that the target does not have; kept ones never change, and pointers are links. Returns: how many."""
    count = 0
    for path in sorted(source.rglob("*")):
        if any(part.startswith(".") for part in path.relative_to(source).parts) and path.name != canary.FILE:
            continue  # half-written, or a lock
        copied = target / path.relative_to(source)
        if path.is_symlink():
            copied.parent.mkdir(parents=True, exist_ok=True)
            copied.unlink(missing_ok=True)
            copied.symlink_to(path.readlink())
        elif path.is_file() and (not copied.exists() or path.name == canary.FILE):
            count += _copy_file(path, copied)
    return count


def _forget_pointers(source: Path, target: Path) -> None:
    """Remove the links and the share that the source no longer has: a restore would serve what they name."""
    for copied in target.iterdir() if target.is_dir() else ():
        there = source / copied.name
        if (copied.is_symlink() or copied.name == canary.FILE) and not (there.is_symlink() or there.exists()):
            copied.unlink()


def _copy_file(path: Path, copied: Path) -> bool:
    """Copy whole or not at all; False when it was deleted by age a moment ago."""
    copied.parent.mkdir(parents=True, exist_ok=True)
    temporary = copied.with_name(f".{copied.name}")
    try:
        shutil.copy2(path, temporary)
    except FileNotFoundError:
        return False
    temporary.replace(copied)
    return True
