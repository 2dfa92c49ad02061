"""Adds the documented brightness and saturation copies to the smaller class until both are equal in number.

The documents do it with tf.image.random_brightness(image, 0.2) and tf.image.random_saturation(image, 5, 10), then
tf.io.encode_jpeg, on every picture of the smaller class; the same arithmetic is here, on NumPy arrays.
"""

import hashlib
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image
from rich.progress import track

from resnet_server.errors import ServiceError
from resnet_server.preprocess import PreprocessSpec, preprocess
from training.pages.sheet import PAPER, contact_sheet
from training.photos.data import (
    LABELS,
    MAX_PIXELS,
    Images,
    Sample,
    Skipped,
    check_classes,
    class_weights,
    read_bytes,
    scan,
    upright_size,
)
from training.photos.duplicates import original_path
from training.photos.folders import link_or_copy, new_folder, write_manifest
from training.photos.thumbnails import thumbnail

BRIGHTNESS_DELTA = 0.2  # of the range 0 to 1, either way
SATURATION_FACTOR = (5.0, 10.0)
JPEG_QUALITY = 95  # tf.io.encode_jpeg's default; chroma at half resolution, as Pillow's default is too

CHECKED = PreprocessSpec(64, 64, MAX_PIXELS)  # decoding small is enough to see whether a file can be read
SHOWN = 8  # rows of the contact sheet
BLANK = (Image.new("RGB", (1, 1), PAPER), "")

Floats = npt.NDArray[np.floating[Any]]


@dataclass(frozen=True)
class Made:
    """One copy: its path and that of its original."""

    path: str
    original: str


@dataclass(frozen=True)
class Augmented:
    """A data set with copies: everything in it, what was made, and what could not be read and was left out."""

    samples: tuple[Sample, ...]
    made: tuple[Made, ...]
    skipped: tuple[Skipped, ...]


def add_copies(folder: Path, out: Path, seed: int) -> Augmented:
    """Link every readable picture of `folder` into `out`, add copies to the smaller class, and write manifest.csv.

    A copy has its original's group, so that `split` keeps both in one part.
    Raises: TrainingError when `folder` is no data set or `out` is not empty.
    """
    found = scan(folder)
    new_folder(out, folder)
    samples, skipped = link_readable(folder, found, out)
    check_classes(folder, samples, skipped)
    by_path = {sample.path: sample for sample in samples}
    plan = planned_copies(samples, seed)
    for copy in track(plan, description="making copies"):
        original = by_path[copy.original]
        jpeg = varied(read_bytes(out / copy.original), copy.path, seed)
        (out / copy.path).write_bytes(jpeg)
        samples.append(replace(original, path=copy.path, sha256=hashlib.sha256(jpeg).hexdigest()))
    write_manifest(out, samples)
    return Augmented(tuple(samples), tuple(plan), tuple(skipped))


def link_readable(folder: Path, found: Sequence[Sample], out: Path) -> tuple[list[Sample], list[Skipped]]:
    """Link what decodes into `out`. Returns: what was linked, and what was not."""
    samples, skipped = [], []
    for sample in track(found, description="reading the pictures"):
        try:
            preprocess(read_bytes(folder / sample.path), CHECKED)
        except ServiceError as exc:
            skipped.append(Skipped(sample.path, exc.message))
            continue
        link_or_copy(folder / sample.path, out / sample.path)
        samples.append(sample)
    return samples, skipped


def planned_copies(samples: Sequence[Sample], seed: int) -> list[Made]:
    """Which copies make the classes equal: originals in an order by hash, both kinds of each, again if need be."""
    labels = [sample.label for sample in samples]
    smaller = min(range(len(LABELS)), key=labels.count)
    missing = max(map(labels.count, range(len(LABELS)))) - labels.count(smaller)
    taken = {sample.path for sample in samples}
    paths = [sample.path for sample in samples if sample.label == smaller]
    # Copies are no originals; where all of them look like copies, they are all there is.
    originals = [path for path in paths if original_path(path) == path or original_path(path) not in taken]
    originals.sort(key=lambda path: digest(seed, path))
    names = (made for made in copy_names(originals) if made.path not in taken)
    return [made for made, _ in zip(names, range(missing), strict=False)]


def copy_names(originals: Sequence[str]) -> Iterator[Made]:
    """brightness_NAME and saturation_NAME for each original, then brightness2_NAME, and so on without end."""
    number = 1
    while True:
        for path in originals:
            for kind in ("brightness", "saturation"):
                name = f"{kind}{number if number > 1 else ''}_{PurePosixPath(path).name}"
                yield Made(str(PurePosixPath(path).with_name(name)), path)
        number += 1


def varied(data: bytes, path: str, seed: int) -> bytes:
    """The JPEG of a copy whose kind `path` names; the same seed and path give the same numbers.

    The bytes are JPEG whatever the name ends in, as in the documents; readers go by the content.
    """
    rng = np.random.default_rng(int.from_bytes(digest(seed, path)))
    image = decode(data)
    if PurePosixPath(path).name.startswith("brightness"):
        pixels = adjust_brightness(image, rng.uniform(-BRIGHTNESS_DELTA, BRIGHTNESS_DELTA))
    else:
        pixels = adjust_saturation(image, rng.uniform(*SATURATION_FACTOR))
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "JPEG", quality=JPEG_QUALITY)
    return buffer.getvalue()


def digest(seed: int, path: str) -> bytes:
    """SHA-256 of seed and path: orders and seeds alike on every machine."""
    return hashlib.sha256(f"{seed}:{path}".encode(errors="surrogateescape")).digest()


def decode(data: bytes) -> Images:
    """A picture at its full size, upright: uint8 (H, W, 3), RGB.

    Raises: resnet_server.errors.ServiceError when serving would refuse it.
    """
    width, height = upright_size(data)
    pixels, _ = preprocess(data, PreprocessSpec(height, width, MAX_PIXELS))
    return pixels


def adjust_brightness(pixels: Images, delta: float) -> Images:
    """Add `delta` of the full range, as tf.image.adjust_brightness does with uint8 (H, W, 3)."""
    return to_bytes(pixels.astype(np.float32) / 255 + np.float32(delta))


def adjust_saturation(pixels: Images, factor: float) -> Images:
    """Multiply HSV saturation by `factor`, at most to 1, as tf.image.adjust_saturation does with uint8 (H, W, 3).

    Hue and value stay, so every channel moves away from the largest by the ratio of new to old saturation.
    """
    rgb = pixels.astype(np.float32) / 255
    value = rgb.max(2, keepdims=True)
    chroma = value - rgb.min(2, keepdims=True)
    with np.errstate(divide="ignore", invalid="ignore"):  # grey has no saturation to scale
        ratio = np.minimum(factor, np.where(chroma > 0, value / chroma, 1)).astype(np.float32)
    return to_bytes(value - (value - rgb) * ratio)


def to_bytes(values: Floats) -> Images:
    """0..1 to uint8 as tf.image.convert_image_dtype does: times 255.5, cut off, saturating."""
    return (np.clip(values, 0, 1) * np.float32(255.5)).astype(np.uint8)


def copies_sheet(out: Path, made: Sequence[Made]) -> Image.Image:
    """The first originals, each beside its first brightness and saturation copy."""
    tiles = []
    for original in dict.fromkeys(copy.original for copy in made[: 2 * SHOWN]):
        copies = [copy.path for copy in made if copy.original == original][:2]
        tiles.append((thumbnail(out / original), original))
        tiles += [(thumbnail(out / path), PurePosixPath(path).name.split("_")[0]) for path in copies]
        tiles += [BLANK] * (2 - len(copies))
    return contact_sheet(tiles, columns=3)


def loss_weights(samples: Sequence[Sample]) -> dict[str, float]:
    """What training multiplies each class's loss by, so that both weigh the same without copies."""
    weights = class_weights(np.array([sample.label for sample in samples]))
    return dict(zip(LABELS, weights.tolist(), strict=True))
