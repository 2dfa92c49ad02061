"""Every accepted form of picture becomes the same pixels; every other is refused for its reason."""

import struct
import subprocess
import sys
import threading
import time
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image
from PIL.JpegImagePlugin import JpegImageFile
from PIL.PngImagePlugin import PngInfo

from resnet_server.errors import InvalidImageError, TooLargeError, UnsupportedFormatError
from resnet_server.preprocess import (
    ImageInfo,
    PreprocessSpec,
    decode_plain_jpeg,
    decode_plain_png,
    is_opaque,
    open_image,
    png_pixels,
    preprocess,
)
from tests.pictures import encode, noise, screen

SPEC = PreprocessSpec(height=70, width=50, max_pixels=1_000_000)
RED = (200, 30, 40)
Decode = Callable[[bytes], npt.NDArray[np.uint8] | None]


def pixels(data: bytes) -> np.ndarray:
    return preprocess(data, SPEC)[0]


def solid(mode: str, colour: float | tuple[int, ...]) -> Image.Image:
    return Image.new(mode, (20, 10), colour)


@pytest.mark.parametrize("format", ["JPEG", "PNG", "WEBP", "BMP", "AVIF"])
def test_each_accepted_format_gives_uint8_rgb_of_the_networks_size(format: str) -> None:
    image, info = preprocess(encode(screen(64, 36), format), SPEC)
    assert image.shape == (70, 50, 3)
    assert image.dtype == np.uint8
    assert info == ImageInfo(format=format, width=64, height=36)


def test_mpo_is_taken_as_jpeg_and_its_first_frame_is_the_photo() -> None:
    first, second = solid("RGB", RED), solid("RGB", (0, 0, 0))
    image, info = preprocess(encode(first, "MPO", save_all=True, append_images=[second]), SPEC)
    assert info.format == "JPEG"
    assert np.abs(image.astype(int) - RED).max() <= 3


@pytest.mark.parametrize(
    ("image", "expected"),
    [
        (solid("RGB", RED), RED),
        (solid("L", 77), (77, 77, 77)),
        (solid("1", 1), (255, 255, 255)),
        (solid("RGB", RED).quantize(2), RED),
        (solid("RGBA", (0, 0, 0, 0)), (255, 255, 255)),
        (solid("RGBA", (*RED, 255)), RED),
        (solid("LA", (10, 0)), (255, 255, 255)),
        (Image.fromarray(np.full((10, 20), 0x8040, dtype=np.uint16)), (0x80, 0x80, 0x80)),
    ],
    ids=["rgb", "grey", "bilevel", "palette", "transparent", "opaque alpha", "grey alpha", "16-bit grey"],
)
def test_each_mode_of_png_becomes_rgb_with_alpha_on_white(image: Image.Image, expected: tuple[int, ...]) -> None:
    assert np.unique(pixels(encode(image)).reshape(-1, 3), axis=0).tolist() == [list(expected)]


def translucent(width: int = 40, height: int = 30) -> Image.Image:
    return Image.merge("RGBA", (*noise(width, height).split(), noise(width, height, seed=1).getchannel(0)))


def late_metadata(data: bytes) -> bytes:
    """The PNG with its eXIf chunk, which Pillow writes before the pixels, behind them."""
    start = data.index(b"eXIf") - 4
    end = start + 12 + int.from_bytes(data[start : start + 4], "big")
    return data[:start] + data[end:-12] + data[start:end] + data[-12:]


def read_plain(data: bytes) -> npt.NDArray[np.uint8] | None:
    with open_image(data, SPEC) as image:
        return decode_plain_png(image, data)


@pytest.mark.parametrize("picture", [noise(), screen(), translucent()], ids=["noise", "screen", "alpha"])
def test_a_plain_png_is_decoded_to_the_pixels_that_pillow_gives(picture: Image.Image) -> None:
    fast = read_plain(encode(picture))
    assert fast is not None
    assert np.array_equal(fast, np.asarray(picture.convert("RGBA")))


@pytest.mark.parametrize("where", [0, 599, 1199])
def test_one_pixel_of_glass_is_found_wherever_it_is(where: int) -> None:
    rgba = np.full((30, 40, 4), 255, dtype=np.uint8)
    assert is_opaque(rgba)
    rgba.reshape(-1, 4)[where, 3] = 254
    assert not is_opaque(rgba)


@pytest.mark.parametrize(
    "data",
    [
        encode(solid("L", 77)),
        encode(solid("RGB", RED).quantize(2)),
        encode(solid("RGB", RED), transparency=RED),
        encode(noise())[:-400],
        encode(noise(), "JPEG"),
    ],
    ids=["grey", "palette", "transparent colour", "cut short", "jpeg"],
)
def test_what_is_no_plain_png_is_left_to_pillow(data: bytes) -> None:
    assert read_plain(data) is None


def test_a_png_whose_checksum_does_not_fit_is_left_to_pillow() -> None:
    data = bytearray(encode(noise()))
    data[len(data) // 2] ^= 1
    assert read_plain(bytes(data)) is None


def drafted(data: bytes, width: int) -> tuple[npt.NDArray[np.uint8] | None, npt.NDArray[np.uint8]]:
    """A JPEG at the scale that suits a width, as preprocess decodes it, and as Pillow does."""
    with open_image(data, SPEC) as image:
        image.draft("RGB", (width, width))
        return decode_plain_jpeg(image, data), np.asarray(image.convert("RGB"))


@pytest.mark.parametrize("width", [301, 150, 75, 37], ids=["whole", "half", "quarter", "eighth"])
@pytest.mark.parametrize(
    "options",
    [{"subsampling": 0}, {"subsampling": 1}, {"subsampling": 2}, {"progressive": True}, {"keep_rgb": True}],
    ids=["4:4:4", "4:2:2", "4:2:0", "progressive", "no YCbCr"],
)
def test_a_plain_jpeg_is_decoded_to_the_pixels_that_pillow_gives(options: dict[str, object], width: int) -> None:
    data = encode(noise(301, 333), "JPEG", quality=90, restart_marker_rows=1, **options)
    fast, pillows = drafted(data + b"what cameras put behind", width)
    assert fast is not None
    assert is_opaque(fast)
    assert np.array_equal(fast[:, :, :3], pillows)


@pytest.mark.parametrize("side", range(1, 9))
def test_a_jpeg_of_less_than_a_block_is_not_reduced(side: int) -> None:
    fast, pillows = drafted(encode(noise(side, side), "JPEG"), 50)
    assert fast is not None
    assert np.array_equal(fast[:, :, :3], pillows)


@pytest.mark.parametrize(
    "data",
    [
        encode(solid("L", 77), "JPEG"),
        encode(solid("CMYK", (0, 0, 0, 0)), "JPEG"),
        encode(solid("RGB", RED), "MPO", save_all=True, append_images=[solid("RGB", RED)]),
        encode(noise(), "JPEG")[:-400],
        encode(noise(), "JPEG").replace(b"\xff\xda", b"\x00\xff\xda"),
        encode(noise()),
    ],
    ids=["grey", "cmyk", "mpo", "cut short", "a byte too many", "png"],
)
def test_what_is_no_plain_jpeg_is_left_to_pillow(data: bytes) -> None:
    with open_image(data, SPEC) as image:
        assert decode_plain_jpeg(image, data) is None


def read_jpeg(data: bytes) -> npt.NDArray[np.uint8] | None:
    with open_image(data, PreprocessSpec()) as image:
        return decode_plain_jpeg(image, data)


@pytest.mark.parametrize("orientation", [1, 6])
def test_a_large_jpeg_is_decoded_once_and_not_by_pillow(orientation: int, monkeypatch: pytest.MonkeyPatch) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    data = encode(noise(400, 500), "JPEG", exif=exif)
    monkeypatch.setattr(JpegImageFile, "load_prepare", lambda _: pytest.fail("Pillow decodes it"))
    assert pixels(data).shape == (70, 50, 3)


@pytest.mark.parametrize(("decode", "format"), [(png_pixels, "PNG"), (read_jpeg, "JPEG")], ids=["PNG", "JPEG"])
def test_other_threads_go_on_while_a_screenshot_or_a_photo_is_decoded(decode: Decode, format: str) -> None:
    data, turns, done = encode(noise(1600, 1200), format), [0], threading.Event()

    def count() -> None:
        while not done.is_set():
            turns[0] += 1
            time.sleep(0.0001)

    def turns_during_one() -> int:
        before = turns[0]
        assert decode(data) is not None
        return turns[0] - before

    other, interval = threading.Thread(target=count), sys.getswitchinterval()
    sys.setswitchinterval(1000)  # only who gives up Python's lock lets others run
    try:
        other.start()
        went_on = any(turns_during_one() >= 10 for _ in range(50))
    finally:
        done.set()
        sys.setswitchinterval(interval)
        other.join()
    assert went_on


def test_an_orientation_behind_the_pixels_of_a_png_is_undone_as_well() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    upright = noise(16, 12)
    before = encode(upright.transpose(Image.Transpose.ROTATE_90), exif=exif)
    assert read_plain(before) is not None
    assert read_plain(late_metadata(before)) is None
    assert np.array_equal(pixels(late_metadata(before)), pixels(encode(upright)))


def test_an_orientation_that_xmp_states_before_the_pixels_is_undone_and_the_png_is_plain() -> None:
    upright, info = noise(16, 12), PngInfo()
    info.add_itxt("XML:com.adobe.xmp", '<rdf:Description tiff:Orientation="6"/>')
    stored = encode(upright.transpose(Image.Transpose.ROTATE_90), pnginfo=info)
    assert read_plain(stored) is not None
    assert np.array_equal(pixels(stored), pixels(encode(upright)))


def test_a_palette_png_with_a_transparent_colour_lies_on_white() -> None:
    palette = solid("P", 0)
    palette.putpalette([0, 0, 0] * 256)
    assert np.unique(pixels(encode(palette, transparency=0))).tolist() == [255]


def test_cmyk_jpeg_keeps_its_colours() -> None:
    white = pixels(encode(solid("CMYK", (0, 0, 0, 0)), "JPEG"))
    assert white.min() >= 250


@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_orientation_is_undone(orientation: int) -> None:
    upright = noise(16, 12)
    undo = {
        1: None,
        2: Image.Transpose.FLIP_LEFT_RIGHT,
        3: Image.Transpose.ROTATE_180,
        4: Image.Transpose.FLIP_TOP_BOTTOM,
        5: Image.Transpose.TRANSPOSE,
        6: Image.Transpose.ROTATE_90,
        7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_270,
    }[orientation]
    stored = upright if undo is None else upright.transpose(undo)
    exif = Image.Exif()
    exif[0x0112] = orientation
    assert np.array_equal(pixels(encode(stored, exif=exif)), pixels(encode(upright)))


def test_unreadable_exif_spoils_no_photo() -> None:
    broken = encode(solid("RGB", RED), "JPEG", exif=b"Exif\x00\x00II*\x00\xff\xff\xff\x7f" + b"\x12\x01" * 8)
    assert np.abs(pixels(broken).astype(int) - RED).max() <= 3


@pytest.mark.parametrize("mode", ["RGB", "RGBA"])
@pytest.mark.parametrize(
    "size",
    [(1, 1), (3, 400), (49, 71), (640, 401), (1920, 1080), (5000, 40)],
    ids=["a pixel", "narrow", "almost the size", "a screenshot", "a large one", "a strip"],
)
def test_a_picture_is_squashed_as_pillow_squashes_it(size: tuple[int, int], mode: str) -> None:
    """Within 1 of 255: both average all that a pixel covers, and round differently."""
    picture = noise(*size)
    exact = np.asarray(picture.resize((SPEC.width, SPEC.height), Image.Resampling.BILINEAR)).astype(int)
    spec = PreprocessSpec(SPEC.height, SPEC.width)
    assert np.abs(preprocess(encode(picture.convert(mode)), spec)[0] - exact).max() <= 1


def test_a_large_jpeg_decoded_at_reduced_scale_looks_like_its_full_decode() -> None:
    big = screen(800, 1120)
    fast = pixels(encode(big, "JPEG", quality=95)).astype(int)
    exact = np.asarray(big.resize((SPEC.width, SPEC.height), Image.Resampling.BILINEAR)).astype(int)
    assert np.abs(fast - exact).mean() < 2


@pytest.mark.parametrize(
    "data",
    [b"", b"\x00", b"<html><body>404</body></html>", b"version https://git-lfs", encode(screen())[:20]],
    ids=["empty", "one byte", "html", "text", "a header cut short"],
)
def test_bytes_that_are_no_image_are_invalid(data: bytes) -> None:
    with pytest.raises(InvalidImageError, match=r"^The bytes are not a readable image; send JPEG"):
        preprocess(data, SPEC)


@pytest.mark.parametrize("format", ["JPEG", "PNG", "WEBP", "BMP", "AVIF"])
def test_a_picture_cut_short_is_invalid(format: str) -> None:
    whole = encode(noise(), format)
    with pytest.raises(InvalidImageError):
        preprocess(whole[: len(whole) // 2], SPEC)


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "L", "P"])
def test_a_png_that_is_damaged_inside_is_invalid(mode: str) -> None:
    """Its other half would be black, and the network sure of it."""
    whole = bytearray(encode(noise().convert(mode), "PNG"))
    middle = len(whole) // 2
    whole[middle : middle + 64] = bytes(64)
    with pytest.raises(InvalidImageError, match=r"^The image is damaged or cut short"):
        preprocess(bytes(whole), SPEC)


@pytest.mark.parametrize(
    ("data", "name"),
    [
        (encode(screen(), "GIF"), "GIF"),
        (encode(screen(), "TIFF"), "TIFF"),
        (b"%PDF-1.7\n", "PDF"),
        (b"\x00\x00\x00\x20ftypisom" + bytes(32), "MP4 or HEIC"),
        (b'<?xml version="1.0"?><svg xmlns="x"/>', "SVG"),
        (b"<svg></svg>", "SVG"),
        (encode(screen(), "ICO"), "ICO"),
        (encode(screen(), "JPEG2000"), "JPEG 2000"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_refused_format_is_named(data: bytes, name: str) -> None:
    with pytest.raises(UnsupportedFormatError, match=f"^{name} is not accepted"):
        preprocess(data, SPEC)


@pytest.mark.parametrize("format", ["PNG", "WEBP", "AVIF"])
def test_an_animation_is_refused(format: str) -> None:
    frames = encode(noise(seed=1), format, save_all=True, append_images=[noise(seed=2)])
    with pytest.raises(UnsupportedFormatError, match=r"^The image is an animation"):
        preprocess(frames, SPEC)


def test_a_decompression_bomb_is_refused_by_its_header() -> None:
    header = struct.pack(">IIBBBBB", 60_000, 60_000, 8, 2, 0, 0, 0)
    chunk = b"IHDR" + header
    bomb = b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + chunk + struct.pack(">I", zlib.crc32(chunk))
    idat = b"IDAT" + zlib.compress(bytes(1000))
    bomb += struct.pack(">I", len(idat) - 4) + idat + struct.pack(">I", zlib.crc32(idat))
    with pytest.raises(TooLargeError, match=r"^The image has 60000 x 60000 pixels; the limit is 1000000 in all\.$"):
        preprocess(bomb, SPEC)


def test_a_strip_is_refused_by_its_header() -> None:
    strip = encode(Image.new("L", (1, 20_001)))
    with pytest.raises(TooLargeError, match=r"^The image is 20001 pixels long; the limit is 20000 a side\.$"):
        preprocess(strip, SPEC)


def test_the_pixel_limit_itself_is_allowed() -> None:
    exactly = PreprocessSpec(70, 50, max_pixels=64 * 36)
    assert preprocess(encode(screen(64, 36)), exactly)[1].width == 64
    with pytest.raises(TooLargeError):
        preprocess(encode(screen(64, 37)), exactly)


def big_jpeg() -> bytes:
    """One that is too narrow for a reduced scale, upright only once it is turned, and in several scans."""
    exif = Image.Exif()
    exif[0x0112] = 6
    return encode(Image.new("RGB", (16_000, 1000)), "JPEG", progressive=True, exif=exif)


@pytest.mark.parametrize("mode", ["I;16", "RGBA", "P", "LA", "RGB", "JPEG"])
def test_a_picture_at_the_pixel_limit_takes_bounded_memory(mode: str, tmp_path: Path) -> None:
    """At most 16 bytes a pixel: what decoding takes (4) and a few copies."""
    side = 4000
    if mode == "JPEG":
        data = big_jpeg()
    elif mode == "I;16":
        data = encode(Image.fromarray(np.zeros((side, side), dtype=np.uint16)))
    else:
        image = Image.new(mode, (side, side))
        data = encode(image, transparency=0) if mode == "P" else encode(image)
    (tmp_path / "big").write_bytes(data)
    code = (
        "import resource, sys; from pathlib import Path; from resnet_server.preprocess import *\n"
        "peak = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024\n"
        "data = Path(sys.argv[1]).read_bytes(); before = peak()\n"
        "preprocess(data, PreprocessSpec()); print(peak() - before)"
    )
    command = [sys.executable, "-c", code, str(tmp_path / "big")]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=Path(__file__).parents[2])
    assert int(done.stdout) < 16 * side * side
