"""Reads a folder with one sub-folder a class into arrays, through the preprocessing that serving uses."""

import csv
import hashlib
import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from rich.progress import track

from resnet_server.errors import ServiceError
from resnet_server.preprocess import PreprocessSpec, preprocess
from training.errors import TrainingError

LABELS = ("offline", "online")
MANIFEST = "manifest.csv"  # optional; columns cls, file and repo, the group that must stay together
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
    files = class_files(folder)
    digests = {path: hashlib.sha256((folder / path).read_bytes()).hexdigest() for path in files}
    groups = read_groups(folder)
    found = [
        Sample(path, LABELS.index(path.split("/")[0]), groups.get(path, digest), digest)
        for path, digest in digests.items()
    ]
    data_sha256 = hashlib.sha256("\n".join(f"{s.sha256} {s.group} {s.path}" for s in found).encode()).hexdigest()
    stem = cache / f"{data_sha256[:16]}-{height}x{width}" if cache else None
    if stem and stem.with_suffix(".json").exists():
        images, skipped = read_cache(stem)
    else:
        images, skipped = decode(folder, files, PreprocessSpec(height, width, MAX_PIXELS))
        if stem:
            write_cache(stem, images, skipped)
            images, skipped = read_cache(stem)
    unusable = {item.path for item in skipped}
    samples = tuple(sample for sample in found if sample.path not in unusable)
    check_classes(folder, samples)
    return DataSet(samples, skipped, images, data_sha256)


def class_files(folder: Path) -> list[str]:
    """Every file of the two class folders as `class/name`, sorted.

    Raises: TrainingError for a missing folder or an unexpected one.
    """
    if not folder.is_dir():
        raise TrainingError(f"{folder} is not a folder; give one with the sub-folders {' and '.join(LABELS)}.")
    classes = {path.name for path in folder.iterdir() if path.is_dir() and not path.name.startswith(".")}
    if classes != set(LABELS):
        raise TrainingError(f"{folder} must hold the sub-folders {' and '.join(LABELS)}, and holds {sorted(classes)}.")
    files = [path for label in LABELS for path in (folder / label).rglob("*") if path.is_file()]
    return sorted(path.relative_to(folder).as_posix() for path in files)


def read_groups(folder: Path) -> dict[str, str]:
    """`class/name` → group from manifest.csv; empty when there is none (then each distinct picture is its own group).

    Raises: TrainingError when a column is missing.
    """
    path = folder / MANIFEST
    if not path.exists():
        return {}
    with path.open(encoding="utf-8", newline="") as file:
        rows = csv.DictReader(file)
        if missing := {"cls", "file", "repo"} - set(rows.fieldnames or ()):
            raise TrainingError(f"{path} has no column {', '.join(sorted(missing))}.")
        return {f"{row['cls']}/{row['file']}": row["repo"] for row in rows}


def decode(folder: Path, files: list[str], spec: PreprocessSpec) -> tuple[Images, tuple[Skipped, ...]]:
    """Run the serving preprocess on each file. Returns: uint8 (kept, H, W, 3), and what could not be read."""
    images, skipped = [], []
    for path in track(files, description=f"decoding to {spec.height} x {spec.width}"):
        try:
            images.append(preprocess((folder / path).read_bytes(), spec)[0])
        except ServiceError as exc:
            skipped.append(Skipped(path, exc.message))
    stacked = np.stack(images) if images else np.empty((0, spec.height, spec.width, 3), np.uint8)
    return stacked, tuple(skipped)


def write_cache(stem: Path, images: Images, skipped: Iterable[Skipped]) -> None:
    """Keep decoded pixels; the .json is written last, so a broken cache is never read."""
    stem.parent.mkdir(parents=True, exist_ok=True)
    np.save(stem.with_suffix(".npy"), images)
    stem.with_suffix(".json").write_text(json.dumps([asdict(item) for item in skipped]), encoding="utf-8")


def read_cache(stem: Path) -> tuple[Images, tuple[Skipped, ...]]:
    """Map pixels kept by write_cache into memory."""
    skipped = json.loads(stem.with_suffix(".json").read_text(encoding="utf-8"))
    return np.load(stem.with_suffix(".npy"), mmap_mode="r"), tuple(Skipped(**item) for item in skipped)


def check_classes(folder: Path, samples: Iterable[Sample]) -> None:
    """Raises: TrainingError when a class has no readable picture."""
    present = {sample.label for sample in samples}
    for index, label in enumerate(LABELS):
        if index not in present:
            raise TrainingError(f"{folder / label} holds no readable picture.")
