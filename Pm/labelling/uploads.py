"""Uploads of zips of photos: they grow piece by piece, and become imports in processes of their own."""

import fcntl
import os
import re
import time
import uuid
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from django.conf import settings
from django.utils import timezone
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from Pm import background
from Pm.errors import RollOutError, StorageUnavailableError
from Pm.models import PhotoImport

FORGOTTEN_S = 24 * 3600  # an upload that nobody went on with
_UPLOAD = re.compile(r"[0-9a-f]{32}")


def upload_begin() -> str:
    """Forget uploads that nobody went on with. Returns: the name of a new one."""
    for path in _folder().glob("*.zip"):
        with suppress(FileNotFoundError):  # an import that ends removes its upload
            if path.stat().st_mtime < time.time() - FORGOTTEN_S:
                path.unlink()
    return uuid.uuid4().hex


def upload_path(upload: str) -> Path:
    """Where an upload grows."""
    return _folder() / f"{upload}.zip"


def upload_append(upload: str, offset: int, total: int, piece: bytes) -> bool:
    """Whether the piece fits: it continues what is there and stays below the total; sent twice, it does not.

    Raises: StorageUnavailableError, and the upload is gone.
    """
    if not _UPLOAD.fullmatch(upload) or not piece or offset + len(piece) > total:
        return False
    try:
        with _kept(upload), upload_path(upload).open("r+b" if offset else "xb") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            if file.seek(0, os.SEEK_END) != offset:
                return False
            file.write(piece)
    except (FileNotFoundError, FileExistsError):
        return False
    return True


def upload_write(chunks: Iterable[bytes]) -> str:
    """An upload that comes at once. Returns: its name.

    Raises: StorageUnavailableError.
    """
    upload = upload_begin()
    with _kept(upload), upload_path(upload).open("wb") as target:
        target.writelines(chunks)
    return upload


@contextmanager
def _kept(upload: str) -> Iterator[None]:
    try:
        yield
    except (FileNotFoundError, FileExistsError):
        raise
    except OSError as exc:  # the disk is full
        upload_path(upload).unlink(missing_ok=True)
        raise StorageUnavailableError(_("The upload could not be kept: %s.") % exc.strerror) from exc


def import_start(upload: str, *, name: str, by: str, group: str, label_from_folders: bool) -> PhotoImport:
    """Import a whole upload in a process of its own, which outlives the request; the record tells how it goes."""
    path = upload_path(upload)
    record = PhotoImport.objects.create(
        name=Path(name).name[:255] or path.name,
        by=by[:150],
        group=group.strip()[:255],
        label_from_folders=label_from_folders,
    )
    try:
        language = f"--language={get_language()}"  # the reasons of what is refused are kept in it
        background.start("import_photos", str(path), f"--record={record.pk}", "--remove", language)
    except RollOutError as exc:
        record.refresh_from_db()
        record.state, record.error = PhotoImport.State.FAILED, record.error or str(exc)
        record.finished_at = record.finished_at or timezone.now()
        record.save()
    return record


def _folder() -> Path:
    folder: Path = settings.GATEWAY.var_dir / "uploads"
    folder.mkdir(parents=True, exist_ok=True)
    return folder
