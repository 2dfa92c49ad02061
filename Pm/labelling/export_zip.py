"""The export of the admin's page: a zip that a process of its own writes below var/exports/, whole or not at all."""

import fcntl
import json
import os
import time
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from django.conf import settings
from django.utils import timezone

from Pm.labelling.exporting import Exporter
from Pm.models import Photo
from Pm.processes import is_command

SAVED_EVERY = 100  # files: the page that shows the progress asks the state
KEPT_S = 24 * 3600  # it is a copy of photos: nobody who wanted it has not fetched it by then
STATE, LOCK, PART = "state.json", "lock", "writing.part"


@dataclass(frozen=True)
class ExportState:
    """How far the last export is."""

    process: int
    photos: int = 0
    done: int = 0
    error: str = ""
    is_done: bool = False

    @property
    def is_interrupted(self) -> bool:
        """Whether the process that wrote it is gone."""
        return not (self.is_done or self.error or is_command(self.process))

    @property
    def is_running(self) -> bool:
        """Whether it is being written."""
        return not (self.is_done or self.error or self.is_interrupted)


def zip_export(*, with_sample: bool) -> Path:
    """Write the zip, and remove the one before. Returns: it.

    Raises: BlockingIOError while another is written; OSError when there is no room, and a database's errors, of which
    the state tells.
    """
    with _alone():
        state = ExportState(os.getpid(), photos=Photo.objects.exclude(label="").count())
        _save(state)
        try:
            target = _write(Exporter(with_sample=with_sample), state)
        except Exception as exc:
            _save(replace(state, error=str(exc) or type(exc).__name__))
            raise
        finally:
            (_folder() / PART).unlink(missing_ok=True)
        _save(replace(state, done=state.photos, is_done=True))
        return target


def _write(exporter: Exporter, state: ExportState) -> Path:
    part = _folder() / PART
    with zipfile.ZipFile(part, "w", zipfile.ZIP_STORED) as archive:  # pictures are compressed already
        for number, file in enumerate(exporter.files(), start=1):
            if file.picture:
                archive.write(file.picture, file.name)
            else:
                archive.writestr(file.name, file.text)
            if number % SAVED_EVERY == 0:
                _save(replace(state, done=min(number, state.photos)))
    now = timezone.localtime(timezone=settings.GATEWAY.report_time_zone)  # a command's own is UTC
    target = _folder() / f"labels-{now:%Y-%m-%d-%H%M%S}.zip"
    part.replace(target)
    for old in set(_folder().glob("labels-*.zip")) - {target}:
        old.unlink(missing_ok=True)
    return target


def export_state() -> ExportState | None:
    """Of the last export; None before the first."""
    try:
        return ExportState(**json.loads((_folder() / STATE).read_text(encoding="utf-8")))
    except FileNotFoundError:
        return None


def exported_zip() -> Path | None:
    """The last whole zip; one that nobody fetched for a day is removed."""
    kept = []
    for path in sorted(_folder().glob("labels-*.zip")):
        with suppress(FileNotFoundError):  # an export that ends just now removes the one before
            if path.stat().st_mtime < time.time() - KEPT_S:
                path.unlink()
            else:
                kept.append(path)
    return kept[-1] if kept else None


def _folder() -> Path:
    folder: Path = settings.GATEWAY.var_dir / "exports"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _save(state: ExportState) -> None:
    path = _folder() / f"{STATE}.new"
    path.write_text(json.dumps(asdict(state)), encoding="utf-8")
    path.replace(_folder() / STATE)


@contextmanager
def _alone() -> Iterator[None]:
    with (_folder() / LOCK).open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)  # the kernel lets go of it when its holder dies
        yield
