"""Keeps pictures on disk, each once, under the hash of its bytes."""

import hashlib
import logging
import os
import threading
from contextlib import suppress
from functools import cached_property
from pathlib import Path

logger = logging.getLogger(__name__)
INCOMING = ".incoming"  # in the media root: what has no name yet, apart from the many that have one
EXTENSIONS = {"JPEG": "jpg", "PNG": "png", "WEBP": "webp", "BMP": "bmp", "AVIF": "avif"}


def image_path(media_root: Path, sha256: str, image_format: str) -> Path:
    """Where a picture is kept: <2 hex>/<sha256>.<ext>; nothing in it comes from the client's words."""
    return media_root / sha256[:2] / _name(sha256, image_format)


def _name(sha256: str, image_format: str) -> str:
    return f"{sha256}.{EXTENSIONS.get(image_format, 'bin')}"


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
        os.replace(_write_beside(str(path.parent), path.name, image), path)  # noqa: PTH105 - in the request's way


class Picture:
    """One posted picture: hashed and written while the model works, named once its format is known.

    Strings instead of Paths: these lines are in the way of every answer.
    """

    def __init__(self, image: bytes, media_root: Path | None) -> None:
        self._image = image
        self._media_root = media_root
        self._written: str | None = None
        self._failure: OSError | None = None

    @cached_property
    def sha256(self) -> str:
        """The hex SHA-256 of its bytes."""
        return hashlib.sha256(self._image).hexdigest()

    def prepare(self) -> None:
        """Write it, where it is to be kept and is not there yet; it is hashed for that.

        Raises nothing, since keep() does; called again, does nothing.
        """
        _ = self.sha256  # now, while the model works
        if self._written or self._failure or self._media_root is None or self._is_kept():
            return
        try:
            self._written = _write_beside(f"{self._media_root}/{INCOMING}", self.sha256, self._image)
        except OSError as exc:
            self._failure = exc

    def keep(self, image_format: str) -> None:
        """Give it its name; without a media root, nothing. Raises: OSError."""
        if self._failure:
            raise self._failure
        if self._media_root is None:
            return
        if self._written is None:
            image_save(path=image_path(self._media_root, self.sha256, image_format), image=self._image)
        else:
            path = f"{self._folder}/{_name(self.sha256, image_format)}"
            try:
                os.replace(self._written, path)  # noqa: PTH105
            except FileNotFoundError:  # the first of its folder
                os.makedirs(self._folder, exist_ok=True)  # noqa: PTH103
                os.replace(self._written, path)  # noqa: PTH105
            self._written = None

    def discard(self) -> None:
        """Remove what was written and not named. Raises nothing: why it was not named matters more."""
        if self._written is not None:
            try:
                _remove(self._written)
            except OSError:
                logger.exception("temporary file not removed")
            self._written = None

    @property
    def _folder(self) -> str:
        return f"{self._media_root}/{self.sha256[:2]}"

    def _is_kept(self) -> bool:
        stem = f"{self._folder}/{self.sha256}"
        return any(os.access(f"{stem}.{extension}", os.F_OK) for extension in EXTENSIONS.values())


def remove_left_overs(media_root: Path) -> None:
    """Remove what processes had written and not named when they were killed, as far as the disk lets us."""
    for path in (media_root / INCOMING).glob(".*-*-*"):
        process = path.name.split("-")[-2]
        if process.isdecimal() and not Path("/proc", process).exists():
            with suppress(OSError):
                path.unlink()


def _write_beside(folder: str, name: str, image: bytes) -> str:
    """A file of these bytes under a name that no other thread or process uses, readable by its owner only.

    Raises: OSError; then nothing is left.
    """
    path = f"{folder}/.{name}-{os.getpid()}-{threading.get_ident()}"
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC
    try:
        handle = os.open(path, flags, 0o600)
    except FileNotFoundError:
        os.makedirs(folder, exist_ok=True)  # noqa: PTH103
        handle = os.open(path, flags, 0o600)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(image)
    except BaseException:
        _remove(path)
        raise
    return path


def _remove(path: str) -> None:
    Path(path).unlink(missing_ok=True)
