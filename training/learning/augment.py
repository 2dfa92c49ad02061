"""Random views of a training picture: crop, flip, colour, rescaling and recompression, squashed as serving squashes."""

import io
import math

import numpy as np
from PIL import Image, ImageEnhance

from training.photos.data import Images

# The offline photos are JPEG and most online pictures PNG: every view may be compressed anew (None: not), with
# random quality, so that compression traces say nothing about the class.
CODECS = ("JPEG", "JPEG", "WEBP", None, None)
RESAMPLING = (Image.Resampling.BILINEAR, Image.Resampling.BICUBIC, Image.Resampling.LANCZOS, Image.Resampling.BOX)
FULL_FRAME = 0.3  # share of views that show the whole picture, as serving does
GREY = 0.08


def augment(picture: Images, height: int, width: int, rng: np.random.Generator) -> Images:
    """A random view. Takes uint8 (H, W, 3), gives uint8 (height, width, 3).

    The same rng state gives the same view.
    """
    image = Image.fromarray(picture)
    scale = math.exp(rng.uniform(math.log(0.6), math.log(1.3)))  # as if the photo had come smaller or larger
    size = (max(8, round(width * scale)), max(8, round(height * scale)))
    box = crop_box(image.width, image.height, rng)
    view = image.resize(size, RESAMPLING[rng.integers(len(RESAMPLING))], box=box, reducing_gap=2.0)
    view = recompress(recolour(view, rng), rng).resize((width, height), Image.Resampling.BILINEAR)
    if rng.random() < 0.5:
        view = view.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    return np.asarray(view)


def crop_box(width: int, height: int, rng: np.random.Generator) -> tuple[float, float, float, float]:
    """The whole frame, or 35 to 100 % of its area with its aspect changed by up to 3:4 either way."""
    if rng.random() < FULL_FRAME:
        return (0, 0, width, height)
    area, ratio = rng.uniform(0.35, 1.0), math.exp(rng.uniform(math.log(3 / 4), math.log(4 / 3)))
    across, down = min(1.0, math.sqrt(area * ratio)) * width, min(1.0, math.sqrt(area / ratio)) * height
    left, top = rng.uniform(0, width - across), rng.uniform(0, height - down)
    return (left, top, left + across, top + down)


def recolour(image: Image.Image, rng: np.random.Generator) -> Image.Image:
    """Random brightness, contrast and saturation (0.6 to 1.4) and hue (a tenth of the circle), now and then grey."""
    image = ImageEnhance.Brightness(image).enhance(rng.uniform(0.6, 1.4))
    image = ImageEnhance.Contrast(image).enhance(rng.uniform(0.6, 1.4))
    saturation = 0.0 if rng.random() < GREY else rng.uniform(0.6, 1.4)
    image = ImageEnhance.Color(image).enhance(saturation)
    hue, *rest = image.convert("HSV").split()
    shift = int(rng.integers(-25, 26))  # of 256
    return Image.merge("HSV", (hue.point([(value + shift) % 256 for value in range(256)]), *rest)).convert("RGB")


def recompress(image: Image.Image, rng: np.random.Generator) -> Image.Image:
    """Through JPEG, WebP or neither, at quality 25 to 95."""
    codec = CODECS[rng.integers(len(CODECS))]
    quality = int(rng.integers(25, 96))
    if codec is None:
        return image
    buffer = io.BytesIO()
    image.save(buffer, codec, quality=quality, **({"method": 0} if codec == "WEBP" else {}))
    return Image.open(buffer).convert("RGB")
