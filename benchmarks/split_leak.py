"""Shows what the documented order (copy, then split) leaks: python -m benchmarks.split_leak PHOTOS.

The judge is a model that only remembers: it gives a validation picture the label of the training picture that looks
most like it, pixel by pixel. It has learnt nothing about classes, so what it gains by a split is that split's leak.
"""

import statistics
import tempfile
from pathlib import Path

import numpy as np
import typer
from rich.progress import track

from training.photos.copies import add_copies
from training.photos.data import load
from training.photos.split import Split, shares_of, split

SIDE = 16  # pixels of the thumbnails that are compared
SEEDS = range(5)
SHARES = shares_of(0.3, 0.7, 0.0)  # the documents' 30 and 70 percent


def main(photos: Path) -> None:
    """Print the rememberer's mean accuracy over both classes, for both orders and five seeds."""
    found: dict[str, list[float]] = {"documented order": [], "groups kept together": []}
    for seed in track(list(SEEDS), description="splitting"):
        with tempfile.TemporaryDirectory() as folder:
            copied = Path(folder) / "copied"
            add_copies(photos, copied, seed)
            pixels = thumbnails(copied)
            for name, values in found.items():
                values.append(remembered(split(copied, SHARES, seed, by_group=name != "documented order"), pixels))
    for name, values in found.items():
        print(
            f"{name}: {statistics.mean(values):.3f} ({min(values):.3f} to {max(values):.3f} over {len(values)} seeds)"
        )


def thumbnails(folder: Path) -> dict[str, np.ndarray]:
    """Path → float32 (SIDE * SIDE * 3,), each with mean 0 and deviation 1: brightness and contrast do not count."""
    data = load(folder, SIDE, SIDE)
    flat = np.asarray(data.images, dtype=np.float32).reshape(len(data.samples), -1)
    flat = (flat - flat.mean(1, keepdims=True)) / (flat.std(1, keepdims=True) + 1e-6)
    return {sample.path: row for sample, row in zip(data.samples, flat, strict=True)}


def remembered(parts: Split, pixels: dict[str, np.ndarray]) -> float:
    """Mean over both classes of the share of validation pictures whose nearest training picture has their label."""
    train, val = parts.members("train"), parts.members("val")
    known = np.stack([pixels[sample.path] for sample in train])
    right: dict[int, list[bool]] = {}
    for sample in val:
        nearest = train[int(np.square(known - pixels[sample.path]).sum(1).argmin())]
        right.setdefault(sample.label, []).append(nearest.label == sample.label)
    return statistics.mean(statistics.mean(values) for values in right.values())


if __name__ == "__main__":
    typer.run(main)
