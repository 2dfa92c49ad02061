"""Turns the bytes of one picture into the network's input; training, calibration and serving all call it."""

import io
import warnings
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from cykooz_resizer import FilterType, ResizeAlg, ResizeOptions, Resizer
from cykooz_resizer.alpha import set_image_mode
from PIL import Image
from pywuffs import ImageDecoderQuirks, ImageDecoderType, PixelFormat
from pywuffs.aux import ImageDecoder, ImageDecoderConfig
from simplejpeg import decode_jpeg

from jpeg_scans import MAX_JPEG_SCANS, has_too_many_scans
from resnet_server.errors import InvalidImageError, TooLargeError, UnsupportedFormatError

# Pillow's JPEG opener also gives MPO, which cameras write for two JPEGs in one file; the first is the photo.
ACCEPTED_FORMATS = ("JPEG", "PNG", "WEBP", "BMP", "AVIF")
JPEG_FORMATS = ("JPEG", "MPO")
ACCEPTED_NAMES = "JPEG, PNG, WebP, BMP or AVIF"

# (offset, bytes there, name): what is refused by name. Everything else that is not accepted is "no image".
REFUSED_SIGNATURES = (
    (0, b"GIF87a", "GIF"),
    (0, b"GIF89a", "GIF"),
    (0, b"II*\x00", "TIFF"),
    (0, b"MM\x00*", "TIFF"),
    (0, b"II+\x00", "TIFF"),
    (0, b"MM\x00+", "TIFF"),
    (0, b"%PDF-", "PDF"),
    (0, b"8BPS", "PSD"),
    (0, b"\x00\x00\x01\x00", "ICO"),
    (0, b"\x00\x00\x00\x0cjP  \r\n\x87\n", "JPEG 2000"),
    (0, b"\xff\x4f\xff\x51", "JPEG 2000"),
    (0, b"\xff\x0a", "JPEG XL"),
    (0, b"\x00\x00\x00\x0cJXL \r\n\x87\n", "JPEG XL"),
    (0, b"\x1aE\xdf\xa3", "Matroska or WebM"),
    (0, b"FLV\x01", "FLV"),
    (0, b"\x00\x00\x01\xba", "MPEG"),
    (0, b"\x00\x00\x01\xb3", "MPEG"),
    (8, b"AVI LIST", "AVI"),
    (4, b"ftyp", "MP4 or HEIC"),
    (4, b"moov", "QuickTime"),
)
AVIF_BRANDS = (b"ftypavif", b"ftypavis")  # the same container as MP4's; what bears them and does not open is damaged

# EXIF tag 0x0112 → what undoes it (EXIF 2.32, table 6).
ORIENTATION_TAG = 0x0112
UNDO_ORIENTATION = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
SWAPS_AXES = (5, 6, 7, 8)

# The colour types of RGB and RGBA in a PNG's header (PNG 3rd ed., 11.2.1).
PNG_CHANNELS = {"RGB": 2, "RGBA": 6}
# Metadata that may hold an orientation, as it stands in the file, and where Pillow puts what it has read of it.
PNG_METADATA = (
    (b"eXIf", "exif"),
    (b"Raw profile type exif", "Raw profile type exif"),
    (b"XML:com.adobe.xmp", "XML:com.adobe.xmp"),
)
# Above it memory counts, and Pillow takes two copies fewer.
MAX_PLAIN_PIXELS = 8_000_000

# Each pixel of the result is the weighted mean of those that it covers, as Image.resize averages (within 1 of 255).
BILINEAR = ResizeOptions(resize_alg=ResizeAlg.convolution(FilterType.bilinear))
# This resize holds Python's lock: 1 ms for a screenshot, but 0.1 s for what is 20,000 pixels long.
MAX_QUICK_SIDE = 4096

# Registers every decoder now: Image.open(formats=…) does not load those that it has not met yet.
Image.init()
# The pixel limit is ours (PreprocessSpec.max_pixels), checked on the header before anything is decoded.
Image.MAX_IMAGE_PIXELS = None
# Pillow warns of odd metadata in files that decode well; the pixels decide.
warnings.filterwarnings("ignore", category=UserWarning, module=r"PIL\.")


@dataclass(frozen=True)
class PreprocessSpec:
    """What the network wants, and how much a picture may ask of us."""

    height: int = 700
    width: int = 500
    max_pixels: int = 50_000_000
    max_side: int = 20_000  # a strip of 1 x 50,000,000 pixels would be 500 times as large on its way to the network


@dataclass(frozen=True)
class ImageInfo:
    """What the header says: format (MPO is JPEG), width and height in pixels as stored, before orientation."""

    format: str
    width: int
    height: int


def preprocess(data: bytes, spec: PreprocessSpec) -> tuple[npt.NDArray[np.uint8], ImageInfo]:
    """Decode one picture into the network's input.

    Returns: uint8 (spec.height, spec.width, 3), HWC, RGB, EXIF orientation applied, alpha on white; and the header.
    Raises: InvalidImageError, UnsupportedFormatError; TooLargeError above spec.max_pixels, before decoding.
    """
    with open_image(data, spec) as image:
        info = image_info(image)
        try:
            pixels = decode_upright(image, data, spec)
        except MemoryError:
            raise
        except Exception as exc:  # Pillow's decoders raise OSError, ValueError, SyntaxError, struct.error, …
            raise InvalidImageError("The image is damaged or cut short; send the whole file.") from exc
        return resize(pixels, spec), info


def open_image(data: bytes, spec: PreprocessSpec) -> Image.Image:
    """Read the header of a picture of an accepted kind; nothing is decoded.

    Raises: InvalidImageError, UnsupportedFormatError, TooLargeError.
    """
    try:
        image = Image.open(io.BytesIO(data), formats=ACCEPTED_FORMATS)
    except MemoryError:
        raise
    except Exception as exc:
        if name := refused_format(data):
            raise UnsupportedFormatError(f"{name} is not accepted; send {ACCEPTED_NAMES}.") from exc
        raise InvalidImageError(f"The bytes are not a readable image; send {ACCEPTED_NAMES}.") from exc
    if image.width * image.height > spec.max_pixels:
        size = f"{image.width} x {image.height} pixels"
        raise TooLargeError(f"The image has {size}; the limit is {spec.max_pixels} in all.")
    if max(image.size) > spec.max_side:
        raise TooLargeError(f"The image is {max(image.size)} pixels long; the limit is {spec.max_side} a side.")
    if image.format in JPEG_FORMATS and has_too_many_scans(data):
        raise TooLargeError(f"The JPEG has more than {MAX_JPEG_SCANS} scans; save it again as an ordinary one.")
    if image.format != "MPO" and getattr(image, "is_animated", False):
        raise UnsupportedFormatError("The image is an animation; send a single still picture.")
    return image


def refused_format(data: bytes) -> str | None:
    """The name of the refused format whose signature the bytes bear, if any."""
    if data[4:12] in AVIF_BRANDS:
        return None
    for offset, signature, name in REFUSED_SIGNATURES:
        if data[offset : offset + len(signature)] == signature:
            return name
    start = data[:1024].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    is_svg = start.startswith(b"<svg") or (start.startswith((b"<?xml", b"<!--", b"<!doctype svg")) and b"<svg" in start)
    return "SVG" if is_svg else None


def image_info(image: Image.Image) -> ImageInfo:
    """The header's facts, with MPO under its usual name."""
    name = "JPEG" if image.format in JPEG_FORMATS else str(image.format)
    return ImageInfo(format=name, width=image.width, height=image.height)


def decode_upright(image: Image.Image, data: bytes, spec: PreprocessSpec) -> Image.Image:
    """Decode to upright 8-bit RGB, or RGBA that is opaque; a large JPEG at a reduced scale. `image` is `data`, opened.

    Raises: whatever Pillow's decoders raise.
    """
    pixels = decode_plain_png(image, data)
    if pixels is None and image.format == "PNG":
        image.load()  # so that its faults are told: Pillow decodes it for the orientation, too, and then only once
    # A plain PNG has no metadata behind its pixels, where Pillow looks for some.
    turned = orientation(image, type(image) if pixels is None else Image.Image)
    if pixels is None:
        # libjpeg decodes at 1/2, 1/4 or 1/8 for a fraction of the work; never below the network's own input.
        image.draft("RGB", (spec.height, spec.width) if turned in SWAPS_AXES else (spec.width, spec.height))
        pixels = decode_plain_jpeg(image, data)
    if pixels is None:
        image.load()
        opaque = to_opaque(image)
    else:
        decoded = Image.fromarray(pixels)
        opaque = decoded if image.mode == "RGB" or is_opaque(pixels) else to_opaque(decoded)
    return opaque.transpose(UNDO_ORIENTATION[turned]) if turned in UNDO_ORIENTATION else opaque


def decode_plain_png(image: Image.Image, data: bytes) -> npt.NDArray[np.uint8] | None:
    """What Pillow would decode, in half of its time, as png_pixels() has it.

    None where the file is no plain PNG, or Pillow shall judge it. Plain is what most screenshots are: 8 bits, RGB or
    RGBA, not interlaced, no metadata that Pillow has yet to meet.
    """
    if image.format != "PNG" or image.mode not in PNG_CHANNELS or "transparency" in image.info:
        return None
    if data[24:29] != bytes((8, PNG_CHANNELS[image.mode], 0, 0, 0)) or image.width * image.height > MAX_PLAIN_PIXELS:
        return None
    if any(mark in data and name not in image.info for mark, name in PNG_METADATA):
        return None
    pixels = png_pixels(data)
    return None if pixels is None or pixels.shape[:2] != (image.height, image.width) else pixels


def png_pixels(data: bytes) -> npt.NDArray[np.uint8] | None:
    """Decode a PNG by Wuffs: uint8 (H, W, 4), which Pillow takes without a copy; None where it finds a fault.

    Python's lock is free meanwhile: a large screenshot takes longer than a photo may wait (docs/adr/0011).
    """
    config = ImageDecoderConfig()
    config.enabled_decoders = [ImageDecoderType.PNG]
    config.pixel_format = PixelFormat.RGBA_NONPREMUL
    config.quirks = {ImageDecoderQuirks.IGNORE_CHECKSUM: 0}  # it would by default
    decoded = ImageDecoder(config).decode(data)
    pixels: npt.NDArray[np.uint8] | None = None if decoded.error_message else decoded.pixbuf
    return pixels


def decode_plain_jpeg(image: Image.Image, data: bytes) -> npt.NDArray[np.uint8] | None:
    """What Pillow would decode at the scale of its draft, by libjpeg-turbo as well: uint8 (H, W, 4), opaque.

    None where the file is no RGB JPEG, or Pillow shall judge it. Pillow waits for Python's lock every 64 KB, and fills
    the picture's memory with zeros first (docs/adr/0019).
    """
    if image.format != "JPEG" or image.mode != "RGB":
        return None
    try:
        pixels: npt.NDArray[np.uint8] = decode_jpeg(data, "RGBA", min_width=image.width, min_height=image.height)
    except ValueError:
        return None
    return pixels if pixels.shape[:2] == (image.height, image.width) else None


def is_opaque(pixels: npt.NDArray[np.uint8]) -> bool:
    """Whether uint8 (H, W, 4) hides all that lies behind it, as most screenshots do; a tenth of Pillow's time."""
    return int(np.bitwise_and.reduce(pixels.view("<u4"), axis=None)) >> 24 == 255


def resize(image: Image.Image, spec: PreprocessSpec) -> npt.NDArray[np.uint8]:
    """RGB, or RGBA without transparency, squashed to uint8 (spec.height, spec.width, 3); the image is used up."""
    size = (spec.width, spec.height)
    if max(image.size) > MAX_QUICK_SIDE:
        return np.asarray(image.convert("RGB").resize(size, Image.Resampling.BILINEAR))
    set_image_mode(image, "RGB")  # which RGBA without transparency is: the same memory, and no alpha to weigh by
    resized = Image.new("RGB", size)
    Resizer().resize_pil(image, resized, BILINEAR)  # one Resizer a picture: it keeps its buffers
    return np.asarray(resized)


def orientation(image: Image.Image, reader: type[Image.Image]) -> int:
    """The EXIF orientation as `reader` reads it; 1 (upright) where it is absent or broken, which spoils no photo."""
    try:
        return int(reader.getexif(image).get(ORIENTATION_TAG, 1))
    except MemoryError:
        raise
    except Exception:  # noqa: BLE001 - Pillow's EXIF reader raises SyntaxError, TypeError, struct.error, OSError, …
        return 1


def to_opaque(image: Image.Image) -> Image.Image:
    """Any mode that the accepted formats decode to, as 8-bit RGB, alpha laid on white; opaque RGBA stays what it is.

    Takes few copies of the picture on purpose: at the pixel limit each costs 50 to 200 MB.
    """
    if image.mode.startswith("I;16"):  # 16-bit grey PNG; Pillow's own conversion would clip at 255.
        return Image.fromarray((np.asarray(image) >> 8).astype(np.uint8)).convert("RGB")
    if image.has_transparency_data:
        rgba = image.convert("RGBA")
        if rgba.getchannel("A").getextrema() == (255, 255):  # most screenshots
            return rgba
        white = Image.new("RGB", rgba.size, "white")
        white.paste(rgba, mask=rgba)
        return white
    return image if image.mode == "RGB" else image.convert("RGB")  # converting RGB to RGB would copy it
