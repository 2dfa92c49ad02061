"""Pictures with enough shape to be told apart, as photos have: soft random fields, the same for the same seed."""

from pathlib import Path

import numpy as np
from PIL import Image


def scene(seed: int, width: int = 160, height: int = 120) -> Image.Image:
    """A 6 x 8 field of random colours, drawn smoothly to the size."""
    field = np.random.default_rng(seed).integers(0, 256, (6, 8, 3), dtype=np.uint8)
    return Image.fromarray(field).resize((width, height), Image.Resampling.BICUBIC)


def scenes(root: Path, offline: int, online: int) -> Path:
    """A folder of so many different scenes a class, without a manifest: offline/000.png, …"""
    for offset, (name, count) in enumerate((("offline", offline), ("online", online))):
        (root / name).mkdir(parents=True)
        for index in range(count):
            scene(10_000 * offset + index).save(root / name / f"{index:03}.png")
    return root
