"""Contact sheets: how large they are, where the pictures lie, and captions that fit."""

from PIL import Image, ImageColor

from training.pages.sheet import CAPTION, GAP, PAPER, contact_sheet, font, shortened

RED, BLUE = (200, 0, 0), (0, 0, 200)


def test_a_sheet_has_as_many_rows_as_its_pictures_need() -> None:
    pictures = [(Image.new("RGB", (40, 30), RED), "one")] * 7
    sheet = contact_sheet(pictures, columns=3, cell=(100, 80))
    assert sheet.size == (3 * (100 + GAP) + GAP, 3 * (80 + CAPTION + GAP) + GAP)


def test_pictures_lie_in_the_middle_of_their_cells_with_their_aspect_kept() -> None:
    sheet = contact_sheet([(Image.new("RGB", (400, 100), RED), ""), (Image.new("L", (10, 10), 9), "")], 2, (100, 80))
    red = [(x, y) for x in range(sheet.width) for y in range(sheet.height) if sheet.getpixel((x, y)) == RED]
    assert (min(red), max(red)) == ((GAP, GAP + 27), (GAP + 99, GAP + 51))  # 100 x 25 in 100 x 80
    assert sheet.getpixel((GAP + 100 + GAP + 50, GAP + 40)) == (9, 9, 9)


def test_an_empty_sheet_is_blank_paper() -> None:
    assert contact_sheet([]).getcolors() == [(1390 * 205, ImageColor.getrgb(PAPER))]


def test_the_caption_stands_below_its_picture() -> None:
    plain, said = (contact_sheet([(Image.new("RGB", (50, 50), BLUE), words)], 1, (100, 80)) for words in ("", "desk"))
    changed = [y for y in range(plain.height) if plain.crop((0, y, 120, y + 1)) != said.crop((0, y, 120, y + 1))]
    assert changed
    assert all(GAP + 80 <= y < GAP + 80 + CAPTION for y in changed)


def test_long_captions_lose_their_middle() -> None:
    words = shortened("offline/" + "long " * 40 + "name.jpg", 120)
    assert words.startswith("off")
    assert words.endswith(".jpg")
    assert "…" in words
    assert font().getlength(words) <= 120
    assert shortened("short.jpg", 120) == "short.jpg"


def test_a_line_break_in_a_name_is_drawn_as_a_space() -> None:
    assert shortened("a\nb\tc", 120) == "a b c"
    contact_sheet([(Image.new("RGB", (40, 30), RED), "two\nlines")])
