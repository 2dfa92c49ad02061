"""Small pictures made here: noise stands for rooms, flat blocks for screens."""

import csv
from pathlib import Path

import numpy as np
from PIL import Image

from training.photos.data import LABELS

HEIGHT, WIDTH = 48, 40  # what the tests decode to
GROUPS = ("north", "south", "east", "west")


def picture(label: int, seed: int) -> Image.Image:
    """Noise (offline) or flat blocks (online): 64 wide, 56 high."""
    rng = np.random.default_rng((label, seed))
    blocks = rng.integers(0, 256, (7, 8, 3), dtype=np.uint8)
    pixels = (
        np.kron(blocks, np.ones((8, 8, 1), np.uint8)) if label else rng.integers(0, 256, (56, 64, 3), dtype=np.uint8)
    )
    return Image.fromarray(pixels)


def write_pictures(root: Path, count: int, first: int = 0) -> Path:
    """`count` pictures a class, in groups that each hold both classes, with a manifest.csv."""
    rows = []
    for label, name in enumerate(LABELS):
        (root / name).mkdir(parents=True)
        for index in range(count):
            file = f"{index:02}.png"
            picture(label, first + index).save(root / name / file)
            rows.append({"cls": name, "file": file, "repo": GROUPS[index % 4]})
    with (root / "manifest.csv").open("w", encoding="utf-8", newline="") as manifest:
        writer = csv.DictWriter(manifest, rows[0])
        writer.writeheader()
        writer.writerows(rows)
    return root
