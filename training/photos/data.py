"""Reads a folder with one sub-folder a class into arrays, through the preprocessing that serving uses."""

import csv
import hashlib
import json
import os
import shutil
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO

import numpy as np
import numpy.typing as npt
from rich.progress import track

from resnet_server.errors import ServiceError
from resnet_server.preprocess import SWAPS_AXES, PreprocessSpec, image_info, open_image, orientation, preprocess
from training.errors import TrainingError

LABELS = ("offline", "online")
MANIFEST = "manifest.csv"  # optional; says which pictures must stay together, see read_groups
GROUP_COLUMNS = ("group", "repo")
CLUTTER = ("Thumbs.db", "desktop.ini", "__MACOSX")  # what file managers leave behind, besides hidden files
MAX_PIXELS = 200_000_000  # a folder that we chose ourselves may hold larger pictures than a request

Images = npt.NDArray[np.uint8]


@dataclass(frozen=True)
class Sample:
    """One picture: its path inside the data folder, label index, group and the SHA-256 of its bytes."""

    path: str
    label: int
    group: str
    sha256: str


@dataclass(frozen=True)
class Skipped:
    """A file that is not used, and why."""

    path: str
    reason: str


@dataclass(frozen=True)
class DataSet:
    """What a folder holds, in a fixed order; `images[i]` belongs to `samples[i]`."""

    samples: tuple[Sample, ...]
    skipped: tuple[Skipped, ...]
    images: Images  # uint8 (N, H, W, 3), RGB
    sha256: str

    @property
    def labels(self) -> npt.NDArray[np.int64]:
        """The label index of each sample: int64 (N,)."""
        return np.array([sample.label for sample in self.samples], dtype=np.int64)


def load(folder: Path, height: int, width: int, cache: Path | None = None) -> DataSet:
    """Decode every picture of `folder` to height x width; unreadable files are listed in `skipped`.

    With `cache`, the decoded pixels are kept there and mapped into memory, so that several runs share them.
    Raises: TrainingError when the folder is not laid out as one sub-folder a class, or a class is empty.
    """
    found = scan(folder)
    digest = data_sha256(found)
    files = [sample.path for sample in found]
    stem = cache / f"{digest[:16]}-{height}x{width}" if cache else None
    if stem and not stem.with_suffix(".json").exists():
        check_room(stem.parent, len(files) * height * width * 3)
        write_cache(stem, *decode(folder, files, PreprocessSpec(height, width, MAX_PIXELS)))
    images, skipped = read_cache(stem) if stem else decode(folder, files, PreprocessSpec(height, width, MAX_PIXELS))
    unusable = {item.path for item in skipped}
    samples = tuple(sample for sample in found if sample.path not in unusable)
    check_classes(folder, samples)
    return DataSet(samples, skipped, images, digest)


def scan(folder: Path) -> tuple[Sample, ...]:
    """Every file of the class folders, readable as a picture or not: hashed, nothing decoded.

    A picture that the manifest gives no group has its SHA-256 as its group.
    Raises: TrainingError when the folder is not laid out as one sub-folder a class.
    """
    files, groups = class_files(folder), read_groups(folder)
    samples = []
    for path in track(files, description="reading the files"):
        digest = file_sha256(folder / path)
        samples.append(Sample(path, LABELS.index(path.split("/")[0]), groups.get(path, digest), digest))
    return tuple(samples)


def file_sha256(path: Path) -> str:
    """SHA-256 of a file's bytes, in hex."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def data_sha256(samples: Iterable[Sample]) -> str:
    """SHA-256 of a data set: of every file's hash, group and path."""
    return hashlib.sha256(
        "\n".join(f"{s.sha256} {s.group} {s.path}" for s in samples).encode(errors="surrogateescape")
    ).hexdigest()


def class_files(folder: Path) -> list[str]:
    """Every file of the two class folders as `class/name`, sorted; hidden files and CLUTTER are left out.

    Raises: TrainingError for a missing folder or an unexpected one.
    """
    if not folder.is_dir():
        raise TrainingError(f"{folder} is not a folder; give one with the sub-folders {' and '.join(LABELS)}.")
    classes = {path.name for path in folder.iterdir() if path.is_dir() and not is_clutter(path)}
    if classes != set(LABELS):
        held = ", ".join(sorted(classes)) or "no sub-folder"
        raise TrainingError(f"{folder} must hold the sub-folders {' and '.join(LABELS)}, and holds {held}.")
    return [f"{label}/{path}" for label in sorted(LABELS) for path in files_below(folder / label)]


def files_below(folder: Path) -> list[str]:
    """Every file in and below a folder, relative to it, sorted, but hidden files and CLUTTER."""
    paths = [path.relative_to(folder) for path in folder.rglob("*") if path.is_file()]
    return sorted(path.as_posix() for path in paths if not any(is_clutter(Path(part)) for part in path.parts))


def is_clutter(path: Path) -> bool:
    """What file managers leave behind: .DS_Store, Thumbs.db and the like."""
    return path.name.startswith(".") or path.name in CLUTTER


def read_groups(folder: Path) -> dict[str, str]:
    """`class/name` → group from manifest.csv; empty when there is none (then each distinct picture is its own group).

    A row names its file by cls and file, or by path (`class/name`), and its group by group or repo; other columns
    and empty groups are ignored.
    Raises: TrainingError when a column is missing or the file is no CSV table in UTF-8.
    """
    path = folder / MANIFEST
    if not path.exists():
        return {}
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file)
            rows, columns = list(reader), set(reader.fieldnames or ())
    except (UnicodeDecodeError, csv.Error) as exc:
        raise TrainingError(f"{path} is not a CSV table in UTF-8.") from exc
    group = next((name for name in GROUP_COLUMNS if name in columns), None)
    if group is None:
        raise TrainingError(f"{path} has no column {' or '.join(GROUP_COLUMNS)}.")
    named_by_class = {"cls", "file"} <= columns
    if not named_by_class and "path" not in columns:
        raise TrainingError(f"{path} has no column path, nor cls and file.")
    keys = [f"{row['cls']}/{row['file']}" if named_by_class else row["path"] for row in rows]
    return {key: row[group] for key, row in zip(keys, rows, strict=True) if row[group]}


def decode(folder: Path, files: list[str], spec: PreprocessSpec) -> tuple[Images, tuple[Skipped, ...]]:
    """Run the serving preprocess on each file. Returns: uint8 (kept, H, W, 3), and what could not be read."""
    images = np.empty((len(files), spec.height, spec.width, 3), np.uint8)
    skipped: list[Skipped] = []
    kept = 0
    for path in track(files, description=f"decoding to {spec.height} x {spec.width}"):
        try:
            pixels, _ = preprocess((folder / path).read_bytes(), spec)
        except ServiceError as exc:
            skipped.append(Skipped(path, exc.message))
        else:
            images[kept] = pixels
            kept += 1
    return images[:kept], tuple(skipped)


def upright_size(data: bytes) -> tuple[int, int]:
    """Width and height as a viewer shows the picture: a phone stores portrait photos lying on their side.

    Raises: resnet_server.errors.ServiceError when serving would refuse the picture.
    """
    with open_image(data, PreprocessSpec(max_pixels=MAX_PIXELS)) as image:
        info, turned = image_info(image), orientation(image)
    return (info.height, info.width) if turned in SWAPS_AXES else (info.width, info.height)


def check_room(folder: Path, needed: int) -> None:
    """Raises: TrainingError when the disk of `folder`, which need not exist yet, has fewer than `needed` bytes free."""
    existing = next(path for path in (folder, *folder.absolute().parents) if path.exists())
    if (free := shutil.disk_usage(existing).free) < needed:
        raise TrainingError(
            f"The decoded pixels need {needed:,} bytes and {folder} has {free:,} free; "
            "name a folder on a larger disk with --cache."
        )


def write_cache(stem: Path, images: Images, skipped: Iterable[Skipped]) -> None:
    """Keep decoded pixels; the .json is written last, and both are renamed into place whole: two may write at once."""
    stem.parent.mkdir(parents=True, exist_ok=True)
    notes = json.dumps([asdict(item) for item in skipped])
    write_whole(stem.with_suffix(".npy"), lambda file: np.save(file, images))
    write_whole(stem.with_suffix(".json"), lambda file: file.write(notes.encode(errors="surrogateescape")))


def write_whole(path: Path, write: Callable[[IO[bytes]], object]) -> None:
    """Write beside `path`, then rename: no reader meets half a file, and nothing stays behind when the disk is full."""
    partial = path.with_name(f"{path.name}.{os.getpid()}.partial")
    try:
        with partial.open("wb") as file:
            write(file)
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


def read_cache(stem: Path) -> tuple[Images, tuple[Skipped, ...]]:
    """Map pixels kept by write_cache into memory.

    Raises: TrainingError when the files are damaged.
    """
    pixels, notes = stem.with_suffix(".npy"), stem.with_suffix(".json")
    try:
        skipped = tuple(Skipped(**item) for item in json.loads(notes.read_text(encoding="utf-8")))
        return np.load(pixels, mmap_mode="r"), skipped
    except (OSError, EOFError, ValueError, TypeError) as exc:
        raise TrainingError(f"The decoded pixels in {pixels} are damaged; delete it and {notes.name}.") from exc


def check_classes(folder: Path, samples: Iterable[Sample]) -> None:
    """Raises: TrainingError when a class has no readable picture."""
    present = {sample.label for sample in samples}
    for index, label in enumerate(LABELS):
        if index not in present:
            raise TrainingError(f"{folder / label} holds no readable picture.")
