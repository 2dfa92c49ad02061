"""Looks at pictures that no model has looked at: what they are, whether they are whole, and how they look small.

What it takes is what resnet_server/preprocess.py takes, which decodes what is posted, at the default limit of pixels.
"""

import io
import warnings
from dataclasses import dataclass

from PIL import Image, ImageOps

from jpeg_scans import MAX_JPEG_SCANS, has_too_many_scans
from Pm.errors import ApiError, InvalidImageError, TooLargeError, UnsupportedFormatError

FORMATS = ("JPEG", "PNG", "WEBP", "BMP", "AVIF")
NAMES = "JPEG, PNG, WebP, BMP or AVIF"
CONTENT_TYPES = {
    ".jpg": "image/jpeg",
    ".png": "image/png",
    ".webp": "image/webp",
    ".bmp": "image/bmp",
    ".avif": "image/avif",
}
MAX_PIXELS = 50_000_000
MAX_SIDE = 20_000
THUMBNAIL_SIDE = 320  # pixels
THUMBNAIL_QUALITY = 75
Image.init()  # Image.open(formats=…) loads no decoders
Image.MAX_IMAGE_PIXELS = None  # the limit is ours, checked on the header
warnings.filterwarnings("ignore", category=UserWarning, module=r"PIL\.")


@dataclass(frozen=True)
class Picture:
    """What a whole picture is: its format as kept (MPO is JPEG), its size in pixels, and its WebP thumbnail."""

    format: str
    width: int
    height: int
    thumbnail: bytes


def read_picture(data: bytes) -> Picture:
    """Decode a picture, a large JPEG at a reduced scale, upright by its EXIF.

    Raises: InvalidImageError, UnsupportedFormatError; TooLargeError before anything is decoded.
    """
    try:
        with Image.open(io.BytesIO(data), formats=FORMATS) as image:
            _check(image, data)
            width, height, name = image.width, image.height, str(image.format)
            image.draft("RGB", (THUMBNAIL_SIDE, THUMBNAIL_SIDE))
            small = ImageOps.exif_transpose(image)
            small.thumbnail((THUMBNAIL_SIDE, THUMBNAIL_SIDE))
            thumbnail = _webp(small)
    except (MemoryError, ApiError):
        raise
    except Exception as exc:  # Pillow's decoders raise OSError, ValueError, SyntaxError, struct.error, …
        raise InvalidImageError(f"It is no whole picture; {NAMES} are taken.") from exc
    return Picture("JPEG" if name == "MPO" else name, width, height, thumbnail)


def _check(image: Image.Image, data: bytes) -> None:
    if image.width * image.height > MAX_PIXELS or max(image.size) > MAX_SIDE:
        size = f"{image.width} x {image.height} pixels"
        raise TooLargeError(f"It has {size}; {MAX_PIXELS} in all and {MAX_SIDE} a side are taken.")
    if image.format in ("JPEG", "MPO") and has_too_many_scans(data):
        raise TooLargeError(f"The JPEG has more than {MAX_JPEG_SCANS} scans; save it again as an ordinary one.")
    if image.format != "MPO" and getattr(image, "is_animated", False):
        raise UnsupportedFormatError("It is an animation; a single still picture is taken.")


def _webp(image: Image.Image) -> bytes:
    if image.mode.startswith("I;16"):
        image = image.convert("I").point(lambda value: value * (1 / 256)).convert("L")
    rgba = image.convert("RGBA") if image.has_transparency_data else None
    rgb = Image.new("RGB", image.size, "white") if rgba else image.convert("RGB")
    if rgba:
        rgb.paste(rgba, mask=rgba)
    out = io.BytesIO()
    rgb.save(out, "WEBP", quality=THUMBNAIL_QUALITY)
    return out.getvalue()
