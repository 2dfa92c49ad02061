"""Looks at pictures that no model has looked at: what they are, whether they are whole, and how they look small.

What it takes is what resnet_server/preprocess.py takes, which decodes what is posted.
"""

import io
import warnings
from dataclasses import dataclass

from django.conf import settings
from django.utils.translation import gettext as _
from PIL import Image, ImageOps

from jpeg_scans import MAX_JPEG_SCANS, has_too_many_scans
from Pm.errors import ApiError, InvalidImageError, TooLargeError, UnsupportedFormatError

FORMATS = ("JPEG", "PNG", "WEBP", "BMP", "AVIF")
CONTENT_TYPES = {
    ".jpg": "image/jpeg",
    ".png": "image/png",
    ".webp": "image/webp",
    ".bmp": "image/bmp",
    ".avif": "image/avif",
}
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
            image.load()
            small = _upright(image)
            small.thumbnail((THUMBNAIL_SIDE, THUMBNAIL_SIDE))
            thumbnail = _webp(small)
    except (MemoryError, ApiError):
        raise
    except Exception as exc:  # Pillow's decoders raise OSError, ValueError, SyntaxError, struct.error, …
        raise InvalidImageError(_("It is no whole picture; JPEG, PNG, WebP, BMP or AVIF are taken.")) from exc
    return Picture("JPEG" if name == "MPO" else name, width, height, thumbnail)


def _check(image: Image.Image, data: bytes) -> None:
    limit = settings.GATEWAY.max_image_pixels
    if image.width * image.height > limit or max(image.size) > MAX_SIDE:
        size = {"width": image.width, "height": image.height, "limit": limit, "side": MAX_SIDE}
        raise TooLargeError(
            _("It has %(width)d x %(height)d pixels; %(limit)d in all and %(side)d a side are taken.") % size
        )
    if image.format in ("JPEG", "MPO") and has_too_many_scans(data):
        text = _("The JPEG has more than %d scans; save it again as an ordinary one.")
        raise TooLargeError(text % MAX_JPEG_SCANS)
    if image.format != "MPO" and getattr(image, "is_animated", False):
        raise UnsupportedFormatError(_("It is an animation; a single still picture is taken."))


def _upright(image: Image.Image) -> Image.Image:
    try:
        return ImageOps.exif_transpose(image)
    except MemoryError:
        raise
    except Exception:  # noqa: BLE001 - a broken EXIF, which Pillow reads with many errors, spoils no photo
        return image


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
