"""Finds pictures that are the same: by their bytes, by how they look, and by the names that `augment` gives copies.

Two measures must agree before pictures count as near duplicates. The perceptual hash (ImageHash's phash, 64 bits)
finds candidates fast, but flat screenshots collide in it: an offline photo and a screenshot lay 12 bits apart. So the
candidates' small colour thumbnails must correlate as well; correlation does not mind brightness or contrast.

The limits were read off 746 real pictures. The same picture saved again as JPEG, at half its size or 200 pixels wide
was at most 4 bits away, its grey thumbnail correlating by 0.98 or more; 90 % of those made lighter by 0.2, and all made
darker, stayed within 10 bits. Of all 278,000 pairs 18 lie within 10 bits, and 9 of these correlate by 0.9: each a
screenshot or photo taken twice, a moment apart. A crop is another picture to both measures: with a fiftieth of each
edge gone about half are found, with a twentieth few.
"""

import re
from collections import defaultdict
from collections.abc import Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import imagehash
import numpy as np
import numpy.typing as npt
from PIL import Image
from rich.progress import track
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

from resnet_server.errors import ServiceError
from resnet_server.preprocess import PreprocessSpec, preprocess
from training.photos.data import MAX_PIXELS, Images, Sample, Skipped, read_bytes

MAX_DISTANCE = 10  # bits of 64
MIN_CORRELATION = 0.9
SIDE = 32  # of the colour thumbnails
FLAT = 1.0  # grey levels of standard deviation, under which a thumbnail has no content to correlate
BLOCK = 1024  # rows of the pair matrix at a time
DECODED = PreprocessSpec(256, 256, MAX_PIXELS)
COPY_PREFIX = re.compile(r"^((brightness|saturation)\d*_)+")

Bits = npt.NDArray[np.bool_]
Pair = tuple[int, int]


@dataclass(frozen=True)
class Look:
    """How a picture looks: phash, bool (64,), and a colour thumbnail, uint8 (SIDE, SIDE, 3)."""

    bits: Bits
    thumbnail: Images


@dataclass(frozen=True)
class NearPair:
    """Two pictures by their indices, the bits between their hashes and the correlation of their thumbnails."""

    first: int
    second: int
    distance: int
    correlation: float


def look_of(data: bytes) -> Look:
    """How the bytes of a picture look, decoded and squashed as for serving.

    Raises: resnet_server.errors.ServiceError when serving would refuse them.
    """
    pixels, _ = preprocess(data, DECODED)
    image = Image.fromarray(pixels)
    small = np.asarray(image.resize((SIDE, SIDE), Image.Resampling.BOX))
    return Look(imagehash.phash(image).hash.ravel(), small)


def looks_of(folder: Path, samples: Sequence[Sample]) -> tuple[dict[str, Look], tuple[Skipped, ...]]:
    """How each picture looks, by path; and the files that serving would refuse."""
    looks, skipped = {}, []
    for sample in track(samples, description="looking for copies"):
        try:
            looks[sample.path] = look_of(read_bytes(folder / sample.path))
        except ServiceError as exc:
            skipped.append(Skipped(sample.path, exc.message))
    return looks, tuple(skipped)


def near_pairs(looks: Sequence[Look]) -> list[NearPair]:
    """Every pair of looks within MAX_DISTANCE bits whose thumbnails agree, nearest first."""
    if not looks:
        return []
    signs = np.stack([look.bits for look in looks]).astype(np.float32) * 2 - 1  # (N, 64)
    found = []
    for first, second, distance in close_pairs(signs):
        correlation = agreement(looks[first].thumbnail, looks[second].thumbnail)
        if correlation >= MIN_CORRELATION:
            found.append(NearPair(first, second, distance, round(correlation, 3)))
    return sorted(found, key=lambda pair: (pair.distance, -pair.correlation, pair.first, pair.second))


def close_pairs(signs: npt.NDArray[np.float32]) -> Iterator[tuple[int, int, int]]:
    """(i, j, distance), i < j, for rows of -1 and 1 that differ in at most MAX_DISTANCE places; signs (N, 64)."""
    width = signs.shape[1]
    for start in range(0, len(signs), BLOCK):
        distance = (width - signs[start : start + BLOCK] @ signs.T) / 2  # (BLOCK, N)
        rows, columns = np.nonzero(distance <= MAX_DISTANCE)
        for row, column in zip(rows.tolist(), columns.tolist(), strict=True):
            if start + row < column:
                yield start + row, column, int(distance[row, column])


def agreement(one: Images, other: Images) -> float:
    """Pearson's correlation of two thumbnails' values; flat ones agree only when they are equal."""
    a, b = one.astype(np.float64).ravel(), other.astype(np.float64).ravel()
    if min(one.std((0, 1)).max(), other.std((0, 1)).max()) < FLAT:
        return float(np.array_equal(one, other))
    return float(np.corrcoef(a, b)[0, 1])


def equal_files(samples: Iterable[Sample]) -> list[list[int]]:
    """Indices of samples with the same bytes; lists of two or more, in the samples' order."""
    return [indices for indices in indices_by(sample.sha256 for sample in samples).values() if len(indices) > 1]


def original_path(path: str) -> str:
    """The path of the picture that `path` was made from, by its name: class/brightness_7.jpg → class/7.jpg."""
    pure = PurePosixPath(path)
    return str(pure.with_name(COPY_PREFIX.sub("", pure.name) or pure.name))


def indices_by(keys: Iterable[Hashable]) -> dict[Hashable, list[int]]:
    """The indices at which each key stands, keys in the order of their first."""
    found: dict[Hashable, list[int]] = defaultdict(list)
    for index, key in enumerate(keys):
        found[key].append(index)
    return dict(found)


def joined(count: int, links: Iterable[Pair]) -> list[int]:
    """Number each of `count` things such that linked ones, also through others, bear the same number."""
    pairs = np.array(list(links), dtype=np.int64).reshape(-1, 2)
    graph = coo_matrix((np.ones(len(pairs)), (pairs[:, 0], pairs[:, 1])), shape=(count, count))
    _, numbers = connected_components(graph, directed=False)
    return [int(number) for number in numbers]
