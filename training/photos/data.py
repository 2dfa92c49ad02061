"""Reads a folder with one sub-folder a class into arrays, through the preprocessing that serving uses."""

import hashlib
import json
import os
import shutil
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO

import numpy as np
import numpy.typing as npt
from rich.progress import track

from resnet_server.errors import ServiceError, TooLargeError
from resnet_server.manifest import file_sha256
from resnet_server.picture_files import files_below, is_clutter
from resnet_server.preprocess import SWAPS_AXES, PreprocessSpec, image_info, open_image, orientation, preprocess
from training.errors import TrainingError
from training.photos.manifest import read_groups
from training.text import printable

LABELS = ("offline", "online")
MANIFEST = "manifest.csv"  # optional; says which pictures must stay together, see training/photos/manifest.py
MAX_BYTES = 100_000_000  # a film among the photos is not read into memory
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
    Raises: TrainingError when the folder is not laid out as one sub-folder a class, a class is empty, or the cache
    would lie among them.
    """
    if cache and cache.resolve().is_relative_to(folder.resolve()):
        raise TrainingError(f"The cache {cache} lies inside {folder}, as one more class; name another by --cache.")
    found = scan(folder)
    digest = data_sha256(found)
    files = [sample.path for sample in found]
    spec = PreprocessSpec(height, width, MAX_PIXELS)
    if cache is None:
        images, skipped = decode(folder, files, spec)
    else:
        stem = cache / f"{digest[:16]}-{height}x{width}"
        if not stem.with_suffix(".json").exists():
            check_room(cache, len(files) * height * width * 3)
            write_cache(stem, folder, files, spec)
        images, skipped = read_cache(stem)
    unusable = {item.path for item in skipped}
    samples = tuple(sample for sample in found if sample.path not in unusable)
    check_classes(folder, samples, skipped)
    return DataSet(samples, skipped, images, digest)


def scan(folder: Path) -> tuple[Sample, ...]:
    """Every file of the class folders, readable as a picture or not: hashed, nothing decoded.

    A picture that the manifest gives no group has its SHA-256 as its group.
    Raises: TrainingError when the folder is not laid out as one sub-folder a class, or for a manifest that is none.
    """
    files = class_files(folder)
    groups = read_groups(folder / MANIFEST, files)
    samples = []
    for path in track(files, description="reading the files"):
        digest = file_sha256(folder / path)
        samples.append(Sample(path, LABELS.index(path.split("/")[0]), groups.get(path, digest), digest))
    return tuple(samples)


def data_sha256(samples: Iterable[Sample]) -> str:
    """SHA-256 of a data set: of every file's hash, group and path."""
    return hashlib.sha256(
        "\n".join(f"{s.sha256} {s.group} {s.path}" for s in samples).encode(errors="surrogateescape")
    ).hexdigest()


def class_files(folder: Path) -> list[str]:
    """Every file of the two class folders as `class/name`, sorted; hidden files and clutter are left out.

    Raises: TrainingError for a missing folder or an unexpected one.
    """
    if not folder.is_dir():
        raise TrainingError(f"{folder} is not a folder; give one with the sub-folders {' and '.join(LABELS)}.")
    classes = {path.name for path in folder.iterdir() if path.is_dir() and not is_clutter(path)}
    if classes != set(LABELS):
        held = ", ".join(sorted(classes)) or "no sub-folder"
        raise TrainingError(f"{folder} must hold the sub-folders {' and '.join(LABELS)}, and holds {held}.")
    return [f"{label}/{path}" for label in sorted(LABELS) for path in files_below(folder / label)]


def decode(folder: Path, files: list[str], spec: PreprocessSpec) -> tuple[Images, tuple[Skipped, ...]]:
    """Every file as the serving preprocess makes it. Returns: uint8 (kept, H, W, 3), and what could not be read."""
    images = np.empty((len(files), spec.height, spec.width, 3), np.uint8)
    skipped: list[Skipped] = []
    for index, pixels in enumerate(decoded(folder, files, spec, skipped)):
        images[index] = pixels
    return images[: len(files) - len(skipped)], tuple(skipped)


def decoded(folder: Path, files: list[str], spec: PreprocessSpec, skipped: list[Skipped]) -> Iterator[Images]:
    """Run the serving preprocess on each file: uint8 (H, W, 3); what cannot be read is added to `skipped` instead."""
    for path in track(files, description=f"decoding to {spec.height} x {spec.width}"):
        try:
            pixels, _ = preprocess(read_bytes(folder / path), spec)
        except ServiceError as exc:
            skipped.append(Skipped(path, exc.message))
        else:
            yield pixels


def read_bytes(path: Path) -> bytes:
    """A whole file.

    Raises: TooLargeError above MAX_BYTES, before anything is read.
    """
    if (size := path.stat().st_size) > MAX_BYTES:
        raise TooLargeError(f"The file has {size} bytes; the limit is {MAX_BYTES}.")
    return path.read_bytes()


def upright_size(data: bytes) -> tuple[int, int]:
    """Width and height as a viewer shows the picture: a phone stores portrait photos lying on their side.

    Raises: resnet_server.errors.ServiceError when serving would refuse the picture.
    """
    with open_image(data, PreprocessSpec(max_pixels=MAX_PIXELS)) as image:
        info, turned = image_info(image), orientation(image, type(image))
    return (info.height, info.width) if turned in SWAPS_AXES else (info.width, info.height)


def check_room(folder: Path, needed: int) -> None:
    """Raises: TrainingError when the disk of `folder`, which need not exist yet, has fewer than `needed` bytes free."""
    if (free := shutil.disk_usage(existing_part(folder)).free) < needed:
        raise TrainingError(
            f"The decoded pixels need {needed:,} bytes and {folder} has {free:,} free; "
            "name a folder on a larger disk with --cache."
        )


def existing_part(path: Path) -> Path:
    """The path itself, or the nearest folder above it that is there already."""
    return next(part for part in (path, *path.absolute().parents) if part.exists())


def write_cache(stem: Path, folder: Path, files: list[str], spec: PreprocessSpec) -> None:
    """Decode to a file; the .json is written last, and both are renamed into place whole: two may write at once."""
    stem.parent.mkdir(parents=True, exist_ok=True)
    skipped: list[Skipped] = []
    pictures = decoded(folder, files, spec, skipped)
    write_whole(stem.with_suffix(".npy"), lambda file: write_pixels(file, (spec.height, spec.width, 3), pictures))
    notes = json.dumps([asdict(item) for item in skipped])
    write_whole(stem.with_suffix(".json"), lambda file: file.write(notes.encode()))


def write_pixels(file: IO[bytes], shape: tuple[int, int, int], pictures: Iterable[Images]) -> None:
    """Write what np.save writes of all pictures, holding one at a time: a data set need not fit into memory.

    NumPy pads the header for the number of pictures to be filled in later (numpy.lib.format).
    """

    def header(count: int) -> None:
        file.seek(0)
        facts = {"descr": "|u1", "fortran_order": False, "shape": (count, *shape)}
        np.lib.format.write_array_header_1_0(file, facts)

    count = 0
    header(count)
    for pixels in pictures:
        file.write(pixels.tobytes())
        count += 1
    header(count)


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


def check_classes(folder: Path, samples: Iterable[Sample], skipped: Iterable[Skipped]) -> None:
    """Raises: TrainingError when a class has no readable picture, with the first file's reason."""
    present = {sample.label for sample in samples}
    for index, label in enumerate(LABELS):
        if index not in present:
            first = next((item for item in skipped if item.path.startswith(f"{label}/")), None)
            why = f"; the first file, {printable(first.path)}: {first.reason}" if first else "."
            raise TrainingError(f"{folder / label} holds no readable picture{why}")


def class_weights(labels: np.ndarray) -> np.ndarray:
    """float32 (2,): N / (2 n) for a class of n, so that both classes weigh alike however many pictures they have."""
    counts = np.bincount(labels, minlength=2)
    return np.asarray(len(labels) / (2 * np.maximum(counts, 1)), np.float32)
