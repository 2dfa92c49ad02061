"""Small pictures made here: noise stands for rooms, flat blocks for screens."""

import numpy as np
from PIL import Image

HEIGHT, WIDTH = 48, 40  # what the tests decode to


def picture(label: int, seed: int) -> Image.Image:
    """Noise (offline) or flat blocks (online): 64 wide, 56 high."""
    rng = np.random.default_rng((label, seed))
    blocks = rng.integers(0, 256, (7, 8, 3), dtype=np.uint8)
    pixels = (
        np.kron(blocks, np.ones((8, 8, 1), np.uint8)) if label else rng.integers(0, 256, (56, 64, 3), dtype=np.uint8)
    )
    return Image.fromarray(pixels)
