"""Model artifacts on disk: var/models/<version>/, which never changes, and the pointer of each server slot."""

import fcntl
import filecmp
import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from django.conf import settings
from django.utils.translation import gettext as _

from Pm.errors import RollOutError

ROOT = Path(__file__).resolve().parent.parent
SLOTS = ("resnet_server1", "resnet_server2")  # the primary first, as in MODEL_SERVERS
DEFAULT = ROOT / "resnet_server" / "default_model"
MANIFEST = "manifest.json"
INCOMING = ".incoming"
LOCK = ".roll-out.lock"


def models_path() -> Path:
    """Where versions and pointers lie."""
    path: Path = settings.GATEWAY.models_root
    return path


def models_folder() -> Path:
    """The same; made when it is not there."""
    folder = models_path()
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@contextmanager
def alone(what: str) -> Iterator[None]:
    """Let nobody else change versions or pointers; the kernel lets go of the lock when its holder dies.

    Raises: RollOutError telling who holds it.
    """
    with (models_folder() / LOCK).open("a+") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.seek(0)
            raise RollOutError(_("Wait until the roll-out that runs is done: %s.") % lock.read()) from None
        lock.truncate(0)
        lock.write(f"{what}, process {os.getpid()}")
        lock.flush()
        yield


def pointed_at(slot: str) -> str:
    """The version that a slot's next start serves, "" for the default model."""
    try:
        return str((models_folder() / slot).readlink())
    except FileNotFoundError:
        return ""


def point(slot: str, target: str) -> None:
    """Change what a slot's next start serves, in one rename."""
    pointer = models_folder() / slot
    if not target:
        pointer.unlink(missing_ok=True)
        return
    temporary = pointer.with_name(f".{slot}")
    temporary.unlink(missing_ok=True)
    temporary.symlink_to(target)
    temporary.replace(pointer)


def folder_of(target: str) -> Path:
    """The folder of a version, "" being the default model."""
    return models_folder() / target if target else DEFAULT


def target_of(folder: Path) -> str | None:
    """What a pointer to this folder would say; None for a folder that lies elsewhere and must be taken in first."""
    folder = folder.resolve()
    if folder == DEFAULT:
        return ""
    return folder.name if folder.parent == models_folder().resolve() and folder.name != INCOMING else None


def read_manifest(folder: Path) -> dict[str, Any]:
    """The manifest of an artifact that was checked once.

    Raises: RollOutError when it is gone or spoilt.
    """
    try:
        document: dict[str, Any] = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
        str(document["version"]), str(document["weights"]["sha256"])
    except (OSError, ValueError, KeyError, TypeError) as exc:
        raise RollOutError(f"{folder / MANIFEST} cannot be read: {exc}") from exc
    return document


def take_in(source: Path) -> Path:
    """Copy the files of an artifact to where it is checked; folders within it are left out.

    Raises: RollOutError when it holds no manifest or cannot be copied.
    """
    incoming = discard_incoming()
    if not (source / MANIFEST).is_file():
        raise RollOutError(f"{source} is no model artifact: it has no {MANIFEST}.")
    try:
        incoming.mkdir()
        for path in filter(Path.is_file, source.iterdir()):
            copied = Path(shutil.copyfile(path, incoming / path.name))
            copied.chmod(0o400)
            flush_to_disk(copied)
    except OSError as exc:
        discard_incoming()
        raise RollOutError(f"{source} cannot be copied to {incoming}: {exc}") from exc
    return incoming


def discard_incoming() -> Path:
    """Remove what an earlier roll-out left behind; gives the free path."""
    incoming = models_folder() / INCOMING
    shutil.rmtree(incoming, ignore_errors=True)
    return incoming


def flush_to_disk(path: Path) -> None:
    """A pointer must not outlive a power cut that the file behind it does not."""
    with path.open("rb") as file:
        os.fsync(file.fileno())


def store(incoming: Path, version: str) -> str:
    """Give a checked artifact its place; one that is there already is kept when it is the same.

    Returns: what a pointer says for it.
    Raises: RollOutError for a name that cannot be a folder's here, or that another artifact has.
    """
    if version.startswith(".") or version in SLOTS:
        raise RollOutError(f"{version!r} cannot be a version's name here: package it again under another.")
    stored = models_folder() / version
    if not stored.exists():
        incoming.rename(stored)
    elif _differs(incoming, stored):
        raise RollOutError(f"Another artifact was deployed as {version} before: package this one under another name.")
    return version


def _differs(one: Path, other: Path) -> bool:
    names = {path.name for path in one.iterdir()}
    same, _, _ = filecmp.cmpfiles(one, other, names, shallow=False)
    return names != {path.name for path in other.iterdir()} or set(same) != names


def remove(version: str) -> None:
    """Delete a stored version, which nothing may point at."""
    shutil.rmtree(models_folder() / version, ignore_errors=True)
