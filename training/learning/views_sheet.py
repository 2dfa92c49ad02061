"""Draws the random views that training makes on the fly, beside the pictures that they are made of."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from resnet_server.preprocess import PreprocessSpec, preprocess
from training.learning.augment import augment
from training.learning.recipes import DOCUMENTED
from training.learning.views import documented_view
from training.pages.sheet import contact_sheet
from training.photos.copies import digest
from training.photos.data import LABELS, MAX_PIXELS, Sample, read_bytes
from training.photos.thumbnails import thumbnail

ROWS = 4  # pictures of each class
VIEWS = 3  # of each kind in a row


def views_sheet(folder: Path, samples: Sequence[Sample], seed: int) -> Image.Image:
    """A few pictures of each class, each beside VIEWS views of the documented recipe and VIEWS strong ones."""
    tiles = []
    for label in range(len(LABELS)):
        paths = [sample.path for sample in samples if sample.label == label]
        paths.sort(key=lambda path: digest(seed, path))
        for row, path in enumerate(paths[:ROWS]):
            tiles += row_of_views(folder / path, path, (seed, label, row))
    return contact_sheet(tiles, columns=1 + 2 * VIEWS)


def row_of_views(file: Path, caption: str, key: tuple[int, int, int]) -> list[tuple[Image.Image, str]]:
    """A picture and its views, with captions; made from the canvas that training keeps of it."""
    pixels, _ = preprocess(read_bytes(file), PreprocessSpec(*DOCUMENTED.canvas, MAX_PIXELS))
    phase, rng = DOCUMENTED.phases[0], np.random.default_rng(key)
    documented = [documented_view(pixels, phase, (*key[:2], key[2] * VIEWS + view)) for view in range(VIEWS)]
    strong = [augment(pixels, phase.height, phase.width, rng) for _ in range(VIEWS)]
    return [
        (thumbnail(file), caption),
        *((Image.fromarray(view), "documented") for view in documented),
        *((Image.fromarray(view), "strong") for view in strong),
    ]
