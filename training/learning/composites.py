"""Made-up training pictures: video calls put together from room photos, and rooms with a screen on the wall.

What the data has few of is what models of it fail on: calls whose webcams look like rooms, and rooms with a bright
projection. Both are cut from the training pictures themselves, in the manner of CutMix (Yun et al. 2019), but with the
label that a person would give the result: a window of webcams is online, a screen in a room is offline.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from training.photos.data import Images

CALLS = 0.15  # of the online views
PROJECTIONS = 0.12  # of the offline views
OF_ROOMS = 0.8  # of the webcams' pictures; the rest are cut from screens
SIZE = (480, 672)  # width, height: squashed like every canvas
# Columns, rows. A single webcam is left out: it is a room photo with a frame, and taught that lone speakers are online.
GRIDS = ((2, 1), (2, 1), (1, 2), (2, 2), (3, 2), (3, 3), (4, 3), (4, 4), (5, 4))
NAMES = ("Ada", "Grace Hopper", "Alan T.", "Li Wei", "Maria", "Guest 4", "host", "J. Chen (me)", "Room 2")
LIGHT = 128  # a grey from here on is light

Draw = Callable[[], Images]  # a random picture: uint8 (H, W, 3)


class Box(NamedTuple):
    """Pixels; right and bottom are outside."""

    left: int
    top: int
    right: int
    bottom: int


def compose(
    images: Images, index: int, label: int, offline: np.ndarray, online: np.ndarray, rng: np.random.Generator
) -> tuple[Images, bool]:
    """images[index], or now and then a made-up one of its label, uint8 (H, W, 3); and whether to show it whole.

    `offline`, `online`: indices to cut from. A call must be shown whole: a crop of it may show nothing but a room.
    """
    if rng.random() >= (PROJECTIONS, CALLS)[label] or not len(offline) or not len(online):
        return np.asarray(images[index]), False

    def draw() -> Images:
        pool = offline if rng.random() < OF_ROOMS else online
        return np.asarray(images[rng.choice(pool)])

    if label == 1:
        return np.asarray(video_call(draw, rng)), True
    return np.asarray(projection(images[index], images[rng.choice(online)], rng)), False


def video_call(draw: Draw, rng: np.random.Generator) -> Image.Image:
    """A window of two to twenty webcams, each a part of another picture, with or without names and bars."""
    width, height = SIZE
    sheet = Image.new("RGB", SIZE, random_grey(rng))
    columns, rows = GRIDS[rng.integers(len(GRIDS))]
    title = int(height * rng.uniform(0.02, 0.1)) if rng.random() < 0.5 else 0
    buttons = int(height * rng.uniform(0.04, 0.12)) if rng.random() < 0.5 else 0
    gap, named = int(rng.integers(0, 9)), bool(rng.random() < 0.6)
    inner = height - title - buttons
    for row in range(rows):
        for column in range(columns):
            box = Box(
                gap + (width - gap) * column // columns,
                title + gap + (inner - gap) * row // rows,
                (width - gap) * (column + 1) // columns,
                title + (inner - gap) * (row + 1) // rows,
            )
            draw_webcam(sheet, box, draw, rng)
            if named:
                draw_name(sheet, box, NAMES[rng.integers(len(NAMES))])
    draw_bars(sheet, title, buttons, rng)
    return sheet


def draw_webcam(sheet: Image.Image, box: Box, draw: Draw, rng: np.random.Generator) -> None:
    """A part of a picture; one in eight has the camera off: an initial on a plain tile."""
    size = (max(4, box.right - box.left), max(4, box.bottom - box.top))
    if rng.random() >= 0.12:
        sheet.paste(random_part(draw(), size, rng), (box.left, box.top))
        return
    pen = ImageDraw.Draw(sheet)
    pen.rectangle(box, fill=tuple(int(value) for value in rng.integers(20, 110, 3)))
    middle = ((box.left + box.right) // 2, (box.top + box.bottom) // 2)
    pen.text(middle, "ABDKLMW"[rng.integers(7)], "white", ImageFont.load_default(max(8, size[1] // 4)), "mm")


def random_part(picture: Images, size: tuple[int, int], rng: np.random.Generator) -> Image.Image:
    """A sixth to 0.7 of each side, resized to `size` (width, height)."""
    image = Image.fromarray(picture)
    share = rng.uniform(0.16, 0.7)
    across, down = image.width * share, image.height * share
    left, top = rng.uniform(0, image.width - across), rng.uniform(0, image.height - down)
    box = (left, top, left + across, top + down)
    return image.resize(size, Image.Resampling.BILINEAR, box=box, reducing_gap=2.0)


def draw_name(sheet: Image.Image, box: Box, name: str) -> None:
    """White on a dark strip in the lower left corner."""
    height = max(9, min(22, (box.bottom - box.top) // 6))
    right = box.left + min(box.right - box.left - 1, height * len(name) // 2 + 6)
    pen = ImageDraw.Draw(sheet)
    pen.rectangle((box.left, box.bottom - height, right, box.bottom - 1), fill=(20, 20, 22))
    font = ImageFont.load_default(max(7, height * 0.7))
    pen.text((box.left + 3, box.bottom - height // 2), name, "white", font, "lm")


def draw_bars(sheet: Image.Image, title: int, buttons: int, rng: np.random.Generator) -> None:
    """A title above and round buttons below, where they have a height."""
    grey = random_grey(rng)
    light = grey[0] >= LIGHT
    pen = ImageDraw.Draw(sheet)
    if title:
        pen.rectangle((0, 0, sheet.width, title), fill=grey)
        font = ImageFont.load_default(max(8, title * 0.4))
        pen.text((8, title // 2), "Meeting 12:04", "black" if light else "white", font, "lm")
    if buttons:
        pen.rectangle((0, sheet.height - buttons, sheet.width, sheet.height), fill=grey)
        count, radius = int(rng.integers(3, 9)), buttons * 0.28
        colours = [tuple(value + (-60 if light else 40) for value in grey)] * (count - 1) + [(200, 40, 40)]
        for place, colour in enumerate(colours):
            x, y = sheet.width * (place + 1) / (count + 1), sheet.height - buttons / 2
            pen.ellipse((x - radius * 0.7, y - radius, x + radius * 0.7, y + radius), fill=colour)


def random_grey(rng: np.random.Generator) -> tuple[int, int, int]:
    """Three of four windows are dark."""
    shade = int(rng.integers(8, 60)) if rng.random() < 0.75 else int(rng.integers(200, 248))
    red, green, blue = (int(value) for value in shade + rng.integers(-8, 9, 3))
    return red, green, blue


def projection(room: Images, screen: Images, rng: np.random.Generator) -> Image.Image:
    """A room with a screen on its wall: a fifth to 0.55 of each side, a little tilted, somewhat washed out or dim."""
    image = Image.fromarray(room).resize(SIZE, Image.Resampling.BILINEAR, reducing_gap=2.0)
    share = rng.uniform(0.2, 0.55)
    size = (int(image.width * share), int(image.height * share * rng.uniform(0.6, 1.0)))
    shown = Image.fromarray(screen).resize(size, Image.Resampling.BILINEAR, reducing_gap=2.0)
    wall = Image.new("RGB", size, (235, 235, 230) if rng.random() < 0.5 else (30, 30, 35))
    shown = Image.blend(shown, wall, rng.uniform(0, 0.35))
    left, top = rng.uniform(0, image.width - size[0]), rng.uniform(0, (image.height - size[1]) * 0.7)
    lean = rng.uniform(-0.08, 0.08) * size[1]
    inside, outside = min(0, lean), max(0, lean)
    quad = (0, inside, 0, size[1] - inside, size[0], size[1] + outside, size[0], -outside)
    mask = Image.new("L", size, 255).transform(size, Image.Transform.QUAD, quad)
    image.paste(shown.transform(size, Image.Transform.QUAD, quad), (int(left), int(top)), mask)
    return image
