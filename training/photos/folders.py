"""Writes folders that are data sets: linked pictures and the manifest.csv that says which belong together."""

import csv
import os
import shutil
from collections.abc import Iterable
from pathlib import Path

from training.errors import TrainingError
from training.photos.data import MANIFEST, Sample


def new_folder(out: Path, data: Path) -> None:
    """Make `out`, for what is made from `data`.

    Raises: TrainingError when it lies inside `data`, is a file or holds anything already.
    """
    outside(out, data)
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise TrainingError(f"{out} exists already and is not an empty folder; name a new one.")
    out.mkdir(parents=True, exist_ok=True)


def outside(out: Path, data: Path) -> None:
    """Raises: TrainingError when `out` is `data` or lies in it, where it would pass for a class or a picture."""
    if out.resolve().is_relative_to(data.resolve()):
        raise TrainingError(f"{out} lies inside {data}; name a folder outside of the data.")


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
    """Write manifest.csv: path (`class/name`), group and sha256, sorted by path."""
    with (folder / MANIFEST).open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(("path", "group", "sha256"))
        writer.writerows(sorted((sample.path, sample.group, sample.sha256) for sample in samples))
