"""Pictures that the tests draw themselves, in any format."""

import io

import numpy as np
from PIL import Image, ImageDraw


def screen(width: int = 640, height: int = 360) -> Image.Image:
    """A flat drawing: a title bar and lines of text on white."""
    image = Image.new("RGB", (width, height), "white")
    draw = ImageDraw.Draw(image)
    draw.rectangle((0, 0, width, height // 10), fill=(40, 60, 120))
    for row in range(height // 5, height, height // 10):
        draw.line((width // 10, row, width - width // 10 - row % 50, row), fill=(30, 30, 30), width=3)
    return image


def noise(width: int = 320, height: int = 240, seed: int = 0) -> Image.Image:
    """Random pixels: compresses badly, which makes bytes."""
    pixels = np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)
    return Image.fromarray(pixels)


def encode(image: Image.Image, format: str = "PNG", **options: object) -> bytes:
    """The bytes of a picture in one format."""
    buffer = io.BytesIO()
    image.save(buffer, format, **options)
    return buffer.getvalue()
