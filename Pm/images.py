"""Keeps pictures on disk, each once, under the hash of its bytes."""

import os
import tempfile
from pathlib import Path

EXTENSIONS = {"JPEG": "jpg", "PNG": "png", "WEBP": "webp", "BMP": "bmp", "AVIF": "avif"}


def image_path(media_root: Path, sha256: str, image_format: str) -> Path:
    """Where a picture is kept: <2 hex>/<sha256>.<ext>; nothing in it comes from the client's words."""
    return media_root / sha256[:2] / f"{sha256}.{EXTENSIONS.get(image_format, 'bin')}"


def find_image(media_root: Path, sha256: str) -> Path | None:
    """The kept picture of a hash, whatever its format; nothing when there is none."""
    names = (image_path(media_root, sha256, image_format) for image_format in EXTENSIONS)
    return next((path for path in names if path.is_file()), None)


def image_save(*, path: Path, image: bytes) -> None:
    """Write the whole file or nothing; one that is there already is touched, so that retention spares it.

    Raises: OSError.
    """
    try:
        os.utime(path)
    except FileNotFoundError:
        path.parent.mkdir(parents=True, exist_ok=True)
        _write(path, image)


def _write(path: Path, image: bytes) -> None:
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=".")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(image)
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
