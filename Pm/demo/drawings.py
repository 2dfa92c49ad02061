"""Drawn class photos, for documents and demonstrations: rooms with people, and windows of online classes."""

import numpy as np
from PIL import Image, ImageDraw, ImageFilter, ImageFont

SKIN = ("#f1c9a5", "#d9a679", "#b07b4f", "#8a5a3b", "#e8b78d")
CLOTHES = ("#31445e", "#7a3b45", "#3d6b4f", "#b0803a", "#5b4a7d", "#9aa3ad", "#222831", "#c4b9a5")
HAIR = ("#1d1a19", "#3b2a20", "#6b4a2f", "#8d8a86")
WALLS = ("#d8d2c4", "#c9d3d6", "#e3dccf", "#b9c2b4", "#a8a29a")
SLIDES = ("#ffffff", "#f4f6fb", "#20242c", "#fdf6e3")
NAMES = ("Ada", "Grace", "Alan", "Li Wei", "Maria", "Edsger", "Barbara", "Donald", "Radia")
WORDS = ("Lesson", "lists", "loops", "functions", "classes", "values", "queries", "tests", "a table of", "homework")

Pen = ImageDraw.ImageDraw


def offline(seed: int, width: int = 960, height: int = 640) -> Image.Image:
    """People in a room, in rows, before a wall with a board or a projection; soft as a photo is."""
    rng = np.random.default_rng((0, seed))
    image = Image.new("RGB", (width, height), pick(WALLS, rng))
    pen = ImageDraw.Draw(image)
    floor = int(height * rng.uniform(0.45, 0.6))
    pen.polygon(
        (
            (0, height),
            (0, floor + 60),
            (width * 0.2, floor),
            (width * 0.8, floor),
            (width, floor + 60),
            (width, height),
        ),
        "#8b7358",
    )
    left = rng.uniform(0.2, 0.45) * width
    board = (left, height * 0.1, left + width * rng.uniform(0.25, 0.4), floor * 0.75)
    pen.rectangle(board, pick(("#f7f7f2", "#27462f", "#dfe9f5"), rng), outline="#555555", width=4)
    rows = int(rng.integers(2, 5))
    for row in range(rows):
        scale = height * (0.10 + 0.06 * row)
        ground = floor + (height - floor) * (row + 1) / rows
        count = max(2, int(width / (scale * 1.9)))
        for place in range(count):
            x = width * (place + rng.uniform(0.3, 0.7)) / count
            person(pen, x, ground, scale, rng)
    return finish(image, rng, blur=1.4, noise=9)


def person(pen: Pen, x: float, ground: float, size: float, rng: np.random.Generator) -> None:
    """Shoulders, a head and hair; `size` is the height of head and shoulders in pixels."""
    head = size * 0.36
    top = ground - size * rng.uniform(0.95, 1.1)
    pen.pieslice((x - size * 0.55, top + head * 0.95, x + size * 0.55, top + size * 2), 180, 360, pick(CLOTHES, rng))
    pen.ellipse((x - head * 0.55, top, x + head * 0.55, top + head * 1.2), pick(HAIR, rng))
    if rng.random() < 0.7:  # the others look away
        pen.ellipse((x - head * 0.42, top + head * 0.25, x + head * 0.42, top + head * 1.2), pick(SKIN, rng))


def online(seed: int, width: int = 1280, height: int = 720) -> Image.Image:
    """A window: a shared slide, a grid of webcams, or both; sharp as a screenshot is."""
    rng = np.random.default_rng((1, seed))
    dark = rng.random() < 0.7
    image = Image.new("RGB", (width, height), "#1b1b1f" if dark else "#eef0f4")
    pen = ImageDraw.Draw(image)
    pen.text((16, 10), f"Online class {seed + 1}", "white" if dark else "black", font=ImageFont.load_default(20))
    strip = int(width * 0.24)
    kind = rng.integers(3)
    if kind != 1:
        slide(pen, (16, 44, width - (strip if kind == 0 else 16), height - 72), rng)
    if kind == 0:
        webcams(image, (width - strip + 12, 44, width - 12, height - 72), 1, 4, rng)
    elif kind == 1:
        side = int(rng.integers(2, 5))
        webcams(image, (16, 44, width - 16, height - 72), side, side, rng)
    for place in range(6):
        x = width / 2 + (place - 3) * 70
        pen.ellipse((x, height - 58, x + 44, height - 14), "#c0392b" if place == 5 else "#4a4a52")
    return image


def slide(pen: Pen, box: tuple[int, int, int, int], rng: np.random.Generator) -> None:
    """A title and lines of text on a plain ground."""
    ground = pick(SLIDES, rng)
    ink = "#e8e8e8" if ground == "#20242c" else "#22223a"
    pen.rectangle(box, ground)
    for line in range(int(rng.integers(4, 9))):
        words = " ".join(pick(WORDS, rng) for _ in range(int(rng.integers(2, 6))))
        size = 40 if line == 0 else 26
        pen.text((box[0] + 40, box[1] + 30 + 62 * line), words, ink, font=ImageFont.load_default(size))


def webcams(
    image: Image.Image, box: tuple[int, int, int, int], columns: int, rows: int, rng: np.random.Generator
) -> None:
    """A grid of participants with their names."""
    pen, width, height = ImageDraw.Draw(image), (box[2] - box[0]) // columns, (box[3] - box[1]) // rows
    for number in range(columns * rows):
        left, top = box[0] + number % columns * width, box[1] + number // columns * height
        tile = Image.new("RGB", (width - 8, height - 8), pick(WALLS, rng))
        person(ImageDraw.Draw(tile), tile.width / 2, tile.height, tile.height * 0.7, rng)
        image.paste(tile.filter(ImageFilter.GaussianBlur(1)), (left, top))
        pen.rectangle((left, top + height - 34, left + 92, top + height - 9), "#1b1b1f")
        pen.text((left + 6, top + height - 32), NAMES[number % len(NAMES)], "white", font=ImageFont.load_default(17))


def finish(image: Image.Image, rng: np.random.Generator, blur: float, noise: float) -> Image.Image:
    """Out of focus and grainy, under a light of its own."""
    soft = np.asarray(image.filter(ImageFilter.GaussianBlur(blur)), dtype=np.float64)
    grain = rng.normal(0, noise, soft.shape[:2])[..., None]
    return Image.fromarray((soft * rng.uniform(0.7, 1.1) + grain).clip(0, 255).astype(np.uint8))


def pick(choices: tuple[str, ...], rng: np.random.Generator) -> str:
    """One of them."""
    return choices[rng.integers(len(choices))]
