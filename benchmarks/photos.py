"""The photos that every side classifies: real ones of a folder, or generated ones of the same sizes and bytes."""

import base64
import io
import itertools
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from benchmarks.errors import BenchmarkError
from tests.pictures import encode, screen

LABELS = ("offline", "online")
SUFFIXES = (".jpg", ".jpeg", ".png")
# (width, height, format): the sizes at every tenth of 746 real photos of classes, ordered by their pixels.
REAL_SIZES = (
    (400, 225, "JPEG"),
    (520, 520, "PNG"),
    (800, 450, "JPEG"),
    (878, 583, "PNG"),
    (979, 695, "PNG"),
    (1113, 748, "PNG"),
    (1030, 978, "JPEG"),
    (1440, 827, "PNG"),
    (1533, 976, "PNG"),
    (1916, 1072, "JPEG"),
    (2000, 1707, "JPEG"),
)
# What phones and cameras make, to see how the time grows.
GROWING_SIZES = ((640, 480), (1280, 960), (1920, 1440), (4000, 3000))
SIZE_CLASSES_MP = (0.5, 1, 2, 4)
JPEG_QUALITY = 85


@dataclass(frozen=True)
class Photo:
    """A file's bytes and, where a person said so, its label (0 offline, 1 online)."""

    name: str
    data: bytes
    label: int | None = None


def load_photos(folder: Path | None, count: int) -> list[Photo]:
    """So many photos: of the folder's offline/ and online/ by turns, spread over each; or generated ones.

    Raises: BenchmarkError when the folder has no photos.
    """
    if folder is None:
        return list(itertools.islice(generated(), count))
    each = [spread(labelled(folder, label), count // 2) for label in range(len(LABELS))]
    return [photo for pair in zip(*each, strict=False) for photo in pair]


def labelled(folder: Path, label: int) -> list[Photo]:
    """Every photo of one label's sub-folder.

    Raises: BenchmarkError when there is none.
    """
    paths = sorted(path for path in (folder / LABELS[label]).glob("*") if path.suffix.lower() in SUFFIXES)
    if not paths:
        raise BenchmarkError(f"{folder / LABELS[label]} holds no photos: name a folder with offline/ and online/.")
    return [Photo(path.name, path.read_bytes(), label) for path in paths]


def spread(photos: list[Photo], count: int) -> list[Photo]:
    """So many of them at even distances, so that every source is met."""
    count = min(count, len(photos))
    return [photos[index * len(photos) // count] for index in range(count)]


def generated() -> Iterator[Photo]:
    """Pictures without end that cost a decoder and a network what real ones cost: scenes (JPEG), windows (PNG)."""
    for number, (width, height, kind) in enumerate(itertools.cycle(REAL_SIZES)):
        picture = scene(width, height, number) if kind == "JPEG" else window(width, height, number)
        yield Photo(f"generated-{number}.{kind.lower()}", encoded(picture, kind))


def growing() -> list[Photo]:
    """One JPEG scene of each of GROWING_SIZES."""
    return [Photo(f"{w} x {h}", encoded(scene(w, h, 0), "JPEG")) for w, h in GROWING_SIZES]


def encoded(picture: Image.Image, kind: str) -> bytes:
    """The file's bytes, as cameras and screenshot tools write them."""
    return encode(picture, kind, quality=JPEG_QUALITY) if kind == "JPEG" else encode(picture, kind)


def scene(width: int, height: int, seed: int) -> Image.Image:
    """Random detail at every scale, coarse detail strongest: the spectrum of a photo, and about its bytes."""
    generator = np.random.default_rng(seed)
    pixels = np.full((height, width, 3), 128.0, dtype=np.float32)
    cell, strength = 256, 48.0
    while cell >= 1:
        grid = generator.normal(0, strength, (height // cell + 2, width // cell + 2, 3)) + 128
        coarse = Image.fromarray(grid.clip(0, 255).astype(np.uint8))
        pixels += np.asarray(coarse.resize((width, height), Image.Resampling.BICUBIC), dtype=np.float32) - 128
        cell, strength = cell // 2, strength * 0.7
    return Image.fromarray(pixels.clip(0, 255).astype(np.uint8))


def window(width: int, height: int, seed: int) -> Image.Image:
    """A flat window with lines of text, and a small picture of somebody in its corner."""
    picture = screen(width, height)
    picture.paste(scene(width // 4, height // 4, seed), (width * 3 // 4, height // 2))
    return picture


def size(photo: Photo) -> str:
    """Its format and its pixels in classes that a report can list: "JPEG up to 0.5 MP" and the like."""
    with Image.open(io.BytesIO(photo.data)) as image:
        kind, megapixels = image.format, image.width * image.height / 1e6
    bound = next((each for each in SIZE_CLASSES_MP if megapixels <= each), None)
    return f"{kind} up to {bound} MP" if bound else f"{kind} above {SIZE_CLASSES_MP[-1]} MP"


def sizes(photos: list[Photo]) -> str:
    """What they are, in a sentence for the table's foot."""
    pixels = []
    for photo in photos:
        with Image.open(io.BytesIO(photo.data)) as image:
            pixels.append((image.width * image.height, f"{image.width} x {image.height}"))
    kilobytes = sum(len(photo.data) for photo in photos) / len(photos) / 1000
    return f"{len(photos)} photos, {min(pixels)[1]} to {max(pixels)[1]}, {kilobytes:.0f} kB on average"


def write_files(photos: list[Photo], folder: Path) -> None:
    """The photos as a folder's only files, numbered, so that every process reads them in the same order."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    for number, photo in enumerate(photos):
        (folder / f"{number:04d}").write_bytes(photo.data)


def write_bodies(photos: list[Photo], path: Path) -> None:
    """A line of base64 for each photo, to which post.lua adds 16 digits (12 bytes behind the picture's end)."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="ascii") as file:
        for photo in photos:
            whole = photo.data + bytes(-len(photo.data) % 3)  # so that the base64 needs no padding
            file.write(base64.b64encode(whole).decode("ascii") + "\n")
