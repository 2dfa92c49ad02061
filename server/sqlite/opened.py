"""Remembers which file the running gateway has opened, so that nobody opens another one under the same name.

What is put where a database was gets the -wal and -shm of the one before, and is damaged by them; and the last one to
close the one before deletes the -wal of the new: https://www.sqlite.org/howtocorrupt.html, sections 1.4 and 2.4.
"""

import fcntl
import os
import threading
from pathlib import Path
from typing import IO

from django.db import OperationalError

_lock = threading.Lock()
_opened: dict[str, tuple[str, IO[str]]] = {}  # path → what this process has opened, and what says so as long as it runs


def claim(path: str, *, serving: bool) -> None:
    """Make sure that a connection to `path` opens what the gateway has opened; `serving`, be one that keeps it so.

    Raises: OperationalError when it was deleted or replaced under the gateway.
    """
    with _lock:
        if path in _opened:
            require_same(path)
            return
        try:
            marker = Path(f"{path}.opened").open("a+" if serving else "r+", encoding="ascii")  # noqa: SIM115 - kept
        except FileNotFoundError:
            return  # nobody has served from it
        except OSError as exc:
            raise OperationalError(f"{path}.opened cannot be written: {exc.strerror}") from exc
        try:
            now = _claim(path, marker, serving=serving)
        except OSError as exc:
            marker.close()
            raise OperationalError(f"{path}.opened cannot be written: {exc.strerror}") from exc
        except OperationalError:
            marker.close()
            raise
        if serving:
            _opened[path] = now, marker
        else:
            marker.close()


def _claim(path: str, marker: IO[str], *, serving: bool) -> str:
    """The kernel lets go of the locks when who holds them dies, so that a gateway that is started anew begins anew."""
    now = identity(path)
    if serving and not now:
        raise OperationalError(f"{path} is not there")
    try:
        fcntl.flock(marker, fcntl.LOCK_EX | fcntl.LOCK_NB)
        is_alone = True
    except BlockingIOError:
        fcntl.flock(marker, fcntl.LOCK_SH)  # once the first one has written
        is_alone = False
    marker.seek(0)
    before = marker.read()
    if before != now and (not is_alone or (before and Path(f"{path}-wal").exists())):
        raise OperationalError(replaced(path))
    if is_alone:
        marker.seek(0)
        marker.truncate()
        marker.write(now)
        marker.flush()
        fcntl.flock(marker, fcntl.LOCK_SH)
    return now


def require_same(path: str) -> None:
    """Raises: OperationalError when `path` no longer names what this process has opened."""
    if path in _opened and _opened[path][0] != identity(path):
        raise OperationalError(replaced(path))


def identity(path: str) -> str:
    """Device and inode; "" where there is no file."""
    try:
        status = os.stat(path)  # noqa: PTH116 - with each query: no Path is made
    except OSError:
        return ""
    return f"{status.st_dev} {status.st_ino}"


def replaced(path: str) -> str:
    """What to tell whom."""
    return f"{path} was deleted or replaced while Pm runs; docs/operations.md, Back up and restore, has the way back"
