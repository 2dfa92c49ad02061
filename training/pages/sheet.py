"""Draws contact sheets: many small pictures, each with a caption below it, in one image."""

from collections.abc import Sequence
from functools import cache

from PIL import Image, ImageDraw, ImageFont

GAP, CAPTION, FONT_SIZE = 10, 20, 12
PAPER, INK = "#f0f0ee", (70, 70, 70)  # screenshots are often white: the paper is not
# File names may be Chinese: the first of these that the machine has, else Pillow's own font (Latin only).
FONTS = ("NotoSansCJK-Regular.ttc", "wqy-microhei.ttc", "wqy-zenhei.ttc", "DejaVuSans.ttf")


def contact_sheet(
    pictures: Sequence[tuple[Image.Image, str]], columns: int = 6, cell: tuple[int, int] = (220, 165)
) -> Image.Image:
    """Lay (picture, caption) pairs out row by row, each shrunk into `cell` (width, height) with its aspect kept."""
    rows = max(1, -(-len(pictures) // columns))
    across, down = cell[0] + GAP, cell[1] + CAPTION + GAP
    sheet = Image.new("RGB", (columns * across + GAP, rows * down + GAP), PAPER)
    draw = ImageDraw.Draw(sheet)
    for index, (picture, caption) in enumerate(pictures):
        left, top = GAP + index % columns * across, GAP + index // columns * down
        small = thumbnail(picture, cell)
        sheet.paste(small, (left + (cell[0] - small.width) // 2, top + (cell[1] - small.height) // 2))
        words = shortened(caption, cell[0])
        draw.text((left + (cell[0] - font().getlength(words)) / 2, top + cell[1] + 3), words, INK, font())
    return sheet


def thumbnail(picture: Image.Image, cell: tuple[int, int]) -> Image.Image:
    """An RGB copy that fits into (width, height); a smaller picture stays as it is."""
    small = picture.convert("RGB")
    small.thumbnail(cell)
    return small


def shortened(caption: str, width: int) -> str:
    """The caption with its middle left out where it is wider than `width` pixels: both ends of a file name tell.

    Line breaks and the like, which a file name may hold, are drawn as spaces: the library that draws refuses them.
    """
    caption = "".join(letter if letter.isprintable() else " " for letter in caption)
    if font().getlength(caption) <= width:
        return caption
    for keep in range(len(caption) // 2, 0, -1):
        words = f"{caption[:keep]}…{caption[-keep:]}"
        if font().getlength(words) <= width:
            return words
    return "…"


@cache
def font() -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    """The first of FONTS that is installed."""
    for name in FONTS:
        try:
            return ImageFont.truetype(name, FONT_SIZE)
        except OSError:
            continue
    return ImageFont.load_default(FONT_SIZE)
