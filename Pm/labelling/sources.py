"""Where imported photos come from: a folder, or a zip of which nothing is believed."""

import os
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from django.conf import settings
from django.utils.translation import gettext as _

from Pm.errors import InvalidImageError, TooLargeError

MAX_FILES = 50_000
MAX_ZIP_BYTES = 4 * 1024**3
CLUTTER = ("Thumbs.db", "desktop.ini", "__MACOSX", "manifest.csv", "left_out.csv")
UTF8_NAMES = 0x800  # general purpose bit 11: the name is UTF-8 (APPNOTE 4.4.4)
ENCRYPTED = 0x1
CLASSES = ("offline", "online")
# What reading a damaged or odd member raises; RuntimeError for a password, NotImplementedError for a method.
BAD_MEMBER = (zipfile.BadZipFile, zlib.error, EOFError, OSError, RuntimeError, NotImplementedError, ValueError)


class ImportRefusedError(Exception):
    """Nothing can be imported from it; the message says why."""


@dataclass(frozen=True)
class Member:
    """One file: its path inside the source, and what reads it.

    `read` raises TooLargeError above MAX_IMAGE_BYTES, InvalidImageError when it cannot be read.
    """

    name: str
    read: Callable[[], bytes]

    @property
    def label(self) -> str:
        """The class that the nearest folder with a class's name says; empty when none does."""
        folders = [part.lower() for part in PurePosixPath(self.name).parts[:-1]]
        return next((part for part in reversed(folders) if part in CLASSES), "")

    @property
    def folder(self) -> str:
        """The nearest folder that is not a class's."""
        folders = PurePosixPath(self.name).parts[:-1]
        return next((part for part in reversed(folders) if part.lower() not in CLASSES), "")


@contextmanager
def open_source(path: Path, name: str) -> Iterator[list[Member]]:
    """The files of a folder or zip, which is called `name`, without what file managers leave behind.

    Raises: ImportRefusedError.
    """
    if path.is_dir():
        yield _limited(_members_of_folder(path))
        return
    with _open_zip(path, name) as archive:
        yield _limited(_members_of_zip(archive))


def _open_zip(path: Path, shown: str) -> zipfile.ZipFile:
    name = {"path": shown}
    try:
        return zipfile.ZipFile(path)
    except FileNotFoundError as exc:
        raise ImportRefusedError(_("%(path)s is neither a folder nor a zip.") % name) from exc
    except (zipfile.BadZipFile, ValueError, NotImplementedError) as exc:  # names, or a version, that cannot be read
        raise ImportRefusedError(_("%(path)s is no zip, or a damaged one.") % name) from exc
    except OSError as exc:
        raise ImportRefusedError(_("%(path)s cannot be read.") % name) from exc


def _limited(members: Iterator[Member]) -> list[Member]:
    found: list[Member] = []
    for member in members:
        if _is_clutter(member.name):
            continue
        found.append(member)
        if len(found) > MAX_FILES:
            raise ImportRefusedError(_("It has more than %(count)d files; divide it.") % {"count": MAX_FILES})
    return sorted(found, key=lambda member: member.name)


def _is_clutter(name: str) -> bool:
    parts = PurePosixPath(name).parts
    return any((part.startswith(".") and part != "..") or part in CLUTTER for part in parts)


def _members_of_folder(folder: Path) -> Iterator[Member]:
    for path in folder.rglob("*"):
        if path.is_file():
            name = readable(os.fsencode(path.relative_to(folder)))
            yield Member(name, lambda path=path: _read_file(path))  # type: ignore[misc]


def _read_file(path: Path) -> bytes:
    try:
        if path.stat().st_size > settings.GATEWAY.max_image_bytes:
            raise _too_large()
        return path.read_bytes()
    except OSError as exc:
        raise InvalidImageError(_("It cannot be read.")) from exc


def _members_of_zip(archive: zipfile.ZipFile) -> Iterator[Member]:
    for info in archive.infolist():
        if not info.is_dir():
            yield Member(_name(info), lambda info=info: _read_member(archive, info))  # type: ignore[misc]


def _name(info: zipfile.ZipInfo) -> str:
    """The name as its writer meant it; Python reads what is not marked as UTF-8 as code page 437."""
    return info.filename if info.flag_bits & UTF8_NAMES else readable(info.filename.encode("cp437", errors="replace"))


def readable(name: bytes) -> str:
    """A file's name as text that a database takes: UTF-8, or GBK as Chinese Windows writes it, or what can be read."""
    for encoding in ("utf-8", "gb18030"):
        try:
            return name.decode(encoding).replace("\0", "")
        except UnicodeDecodeError:
            continue
    return name.decode("utf-8", errors="replace").replace("\0", "")


def _read_member(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> bytes:
    """Unpack no more than a picture may have, whatever size the zip claims: a bomb stops there."""
    if ".." in PurePosixPath(info.filename).parts or info.filename.startswith(("/", "\\")):
        raise InvalidImageError(_("Its name points out of the zip."))
    if info.flag_bits & ENCRYPTED:
        raise InvalidImageError(_("It is encrypted."))
    limit = settings.GATEWAY.max_image_bytes
    try:
        with archive.open(info) as file:
            data = file.read(limit + 1)
    except BAD_MEMBER as exc:
        raise InvalidImageError(_("It cannot be unpacked.")) from exc
    if len(data) > limit:
        raise _too_large()
    return data


def _too_large() -> TooLargeError:
    limit = settings.GATEWAY.max_image_bytes
    return TooLargeError(_("It has more than %(limit)d bytes (MAX_IMAGE_BYTES).") % {"limit": limit})
