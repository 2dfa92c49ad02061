"""Draws the picture whose logits every server checks before it serves: a video call that shares a slide."""

import io

from PIL import Image, ImageDraw, ImageFont

SIZE = (1280, 720)
DARK, PANEL, LINE, WHITE, INK, BLUE = "#1b1b1f", "#2b2b31", "#45454d", "#ffffff", "#22223a", "#2f5fd0"
NAMES = ("Ada", "Grace", "Alan", "Edsger")
COATS = ("#7a4f9a", "#3f7d5c", "#a5633a", "#3b6ea5")
BULLETS = (
    "Lists hold values in order",
    "A loop visits each value once",
    "Functions give a name to steps",
    "Questions? Write in the chat",
)
CODE = ("for name in names:", "    print('Hello', name)", "", "total = sum(values)")


def draw_golden() -> bytes:
    """The PNG file's bytes, the same for the same Pillow."""
    image = Image.new("RGB", SIZE, DARK)
    draw = ImageDraw.Draw(image)
    draw_slide(draw)
    for index, (name, coat) in enumerate(zip(NAMES, COATS, strict=True)):
        draw_tile(draw, 976, 48 + 148 * index, name, coat)
    draw_bars(draw)
    buffer = io.BytesIO()
    image.save(buffer, "PNG", optimize=True)
    return buffer.getvalue()


def draw_slide(draw: ImageDraw.ImageDraw) -> None:
    """The shared slide: title, bullets and a box of code."""
    draw.rectangle((16, 48, 960, 640), fill=WHITE)
    draw.rectangle((16, 48, 960, 136), fill=BLUE)
    draw.text((48, 66), "Lesson 3: lists and loops", fill=WHITE, font=ImageFont.load_default(44))
    for row, text in enumerate(BULLETS):
        draw.ellipse((52, 184 + 56 * row, 64, 196 + 56 * row), fill=BLUE)
        draw.text((84, 172 + 56 * row), text, fill=INK, font=ImageFont.load_default(30))
    draw.rectangle((48, 420, 928, 620), fill="#f0f1f5", outline="#c9ccd6")
    for row, text in enumerate(CODE):
        draw.text((68, 434 + 44 * row), text, fill="#104f38", font=ImageFont.load_default(28))


def draw_tile(draw: ImageDraw.ImageDraw, left: int, top: int, name: str, coat: str) -> None:
    """One participant: a head, shoulders and a name."""
    draw.rectangle((left, top, left + 288, top + 140), fill=PANEL, outline=LINE, width=2)
    draw.ellipse((left + 116, top + 24, left + 172, top + 88), fill="#d9b08c")
    draw.pieslice((left + 76, top + 90, left + 212, top + 196), 180, 360, fill=coat)
    draw.rectangle((left + 2, top + 114, left + 96, top + 138), fill=DARK)
    draw.text((left + 10, top + 116), name, fill=WHITE, font=ImageFont.load_default(18))


def draw_bars(draw: ImageDraw.ImageDraw) -> None:
    """The window's title above and its buttons below."""
    draw.text((16, 12), "Online class  -  4 participants  -  00:41:07", fill=WHITE, font=ImageFont.load_default(20))
    for index, text in enumerate(("Mute", "Video", "Share", "Chat", "Leave")):
        left = 336 + 124 * index
        draw.rounded_rectangle((left, 656, left + 108, 704), 8, fill="#c0392b" if text == "Leave" else PANEL)
        draw.text((left + 54, 680), text, fill=WHITE, anchor="mm", font=ImageFont.load_default(20))
