"""Contact sheets of answered pictures, decoded from their files as serving decodes them."""

from collections.abc import Sequence
from pathlib import Path

from PIL import Image

from resnet_server.errors import ServiceError
from resnet_server.preprocess import PreprocessSpec, decode_upright, open_image
from training.pages.sheet import contact_sheet
from training.photos.data import MAX_PIXELS

COLUMNS, CELL = 4, (250, 188)  # pixels
SPEC = PreprocessSpec(height=CELL[1], width=CELL[0], max_pixels=MAX_PIXELS)


def answer_sheet(folder: Path | None, captions: Sequence[tuple[str, str]], target: Path) -> str:
    """Write a sheet of (path below `folder`, caption) pairs. Returns: its name, "" where there is nothing to show."""
    if folder is None or not captions:
        return ""
    pictures = [(thumbnail(folder / path), caption) for path, caption in captions]
    target.parent.mkdir(parents=True, exist_ok=True)
    contact_sheet(pictures, COLUMNS, CELL).save(target)
    return target.name


def thumbnail(path: Path) -> Image.Image:
    """The whole picture, upright and small; a grey field where the file is no longer there or readable."""
    try:
        data = path.read_bytes()
        with open_image(data, SPEC) as image:
            small = decode_upright(image, data, SPEC).convert("RGB")
    except (OSError, ServiceError):
        return Image.new("RGB", CELL, "#d0d4d8")
    small.thumbnail(CELL)
    return small
