"""Which photos a canary gets, and the file that tells every process of the gateway: var/models/.canary.json.

A request costs one stat: the file is read again when it has changed, so each process follows at its next request.
"""

import hashlib
import json
import logging
import os
from dataclasses import asdict, dataclass
from pathlib import Path

from Pm import artifacts

logger = logging.getLogger(__name__)
FILE = ".canary.json"  # no version's name begins with a dot
BUCKETS = 10_000  # a share has two decimals
LEAST_PERCENT, MOST_PERCENT = 0.01, 100


@dataclass(frozen=True)
class Canary:
    """A new version on the backup, and its share of the photos; `roll_out` is its record's id."""

    roll_out: int
    version: str
    percent: float
    shadow: bool

    def takes(self, image_id: str) -> bool:
        """Whether a photo is of its share: always the same ones, and a larger share only adds to them."""
        return bucket(image_id) < round(self.percent * BUCKETS / 100)


def percent_of(text: str) -> float | None:
    """The share that somebody wrote; None for what is no number from LEAST_PERCENT to MOST_PERCENT."""
    try:
        percent = float(text)
    except ValueError:
        return None
    return percent if LEAST_PERCENT <= percent <= MOST_PERCENT else None


def bucket(image_id: str) -> int:
    """0 to 9999, evenly, by the first 8 bytes of the name's SHA-256."""
    return int.from_bytes(hashlib.sha256(image_id.encode()).digest()[:8]) % BUCKETS


_read: tuple[tuple[str, int, int] | None, Canary | None] = (None, None)


def current() -> Canary | None:
    """The canary that has a share now, if any; a file that cannot be used is none, since the stable version serves."""
    global _read
    path = f"{artifacts.models_path()}/{FILE}"
    try:
        state = os.stat(path)  # noqa: PTH116 - once a request: no Path is made
    except OSError:
        return None
    key = (path, state.st_mtime_ns, state.st_ino)
    if _read[0] != key:
        _read = (key, _load(Path(path)))
    return _read[1]


def _load(path: Path) -> Canary | None:
    try:
        return Canary(**json.loads(path.read_bytes()))
    except (OSError, ValueError, TypeError):
        logger.exception("canary not read")
        return None


def has_share() -> bool:
    """Whether the file is there: without it every request is the stable version's, whatever the record says."""
    return (artifacts.models_path() / FILE).exists()


def publish(canary: Canary) -> None:
    """Tell every process, in one rename. Raises: OSError."""
    path = artifacts.models_folder() / FILE
    temporary = path.with_name(f"{FILE}.{os.getpid()}")
    temporary.write_text(json.dumps(asdict(canary)))
    temporary.replace(path)


def clear() -> bool:
    """Tell every process that there is none; False when it was told before, or cannot be."""
    try:
        (artifacts.models_path() / FILE).unlink()
    except FileNotFoundError:
        return False
    except OSError:
        logger.exception("canary not removed")
        return False
    return True
