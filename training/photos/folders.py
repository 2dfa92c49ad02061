"""Writes folders that are data sets: linked pictures, manifest.csv on which belong together, JSON about them."""

import csv
import errno
import json
import os
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory, TemporaryFile, gettempdir

from training.errors import TrainingError
from training.photos.data import MANIFEST, Sample, existing_part

FULL = 1_000_000  # bytes; a model has more


def new_folder(out: Path, data: Path) -> None:
    """Make `out`, for what is made from `data`.

    Raises: TrainingError as check_new.
    """
    check_new(out, data)
    out.mkdir(parents=True, exist_ok=True)


def check_new(out: Path, data: Path) -> None:
    """Raises: TrainingError when `out` lies inside `data`, is a file, holds anything already or cannot be written."""
    outside(out, data)
    check_empty(out)


def check_empty(out: Path) -> None:
    """Raises: TrainingError when `out` is a file, holds anything already or cannot be written."""
    if (out.exists() or out.is_symlink()) and (not out.is_dir() or any(out.iterdir())):
        raise TrainingError(f"{out} exists already and is not an empty folder; name a new one.")
    check_writable(out)


def check_writable(out: Path) -> None:
    """Try it, before the minutes of work; nothing stays behind.

    Raises: TrainingError when nothing can be written to the folder `out`, or to where it shall be made.
    """
    try:
        with TemporaryFile(dir=existing_part(out)) as file:
            file.write(b"1")
    except OSError as exc:
        raise TrainingError(f"{out} cannot be written ({exc.strerror}); name another place.") from exc


def outside(out: Path, data: Path) -> None:
    """Raises: TrainingError when `out` is `data` or lies in it, where it would pass for a class or a picture."""
    if out.resolve().is_relative_to(data.resolve()):
        raise TrainingError(f"{out} lies inside {data}; name a folder outside of the data.")


@contextmanager
def scratch() -> Iterator[Path]:
    """A folder for what is made before it is checked; it goes with the block.

    Raises: TrainingError when its disk is full, for which torch, onnx and onnxruntime have words of their own.
    """
    with TemporaryDirectory() as folder:
        try:
            yield Path(folder)
        except Exception as exc:
            nameless = isinstance(exc, OSError) and exc.errno == errno.ENOSPC and exc.filename is None
            if nameless or shutil.disk_usage(folder).free < FULL:
                raise TrainingError(
                    f"There is no room left in {gettempdir()}; free some, or name a folder on another disk by TMPDIR."
                ) from exc
            raise


def link_or_copy(source: Path, target: Path) -> None:
    """A hard link, which takes no room; a copy where the file system allows none. Never overwrites."""
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        os.link(source.resolve(), target)
    except FileExistsError:
        raise
    except OSError:  # another disk, or a file system without hard links
        shutil.copy2(source, target)


def write_manifest(folder: Path, samples: Iterable[Sample]) -> None:
    """Write manifest.csv: path (`class/name`, in the bytes of the file's name), group and sha256, sorted by path."""
    with (folder / MANIFEST).open("w", encoding="utf-8", errors="surrogateescape", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(("path", "group", "sha256"))
        writer.writerows(sorted((sample.path, sample.group, sample.sha256) for sample in samples))


def write_json(path: Path, document: object) -> None:
    """Write a JSON document in UTF-8; what is no UTF-8 in the names of files reads back as Python had it."""
    text = json.dumps(document, indent=2, ensure_ascii=False) + "\n"
    path.write_text(text, encoding="utf-8", errors="backslashreplace")  # \udcff is JSON's own escape as well
