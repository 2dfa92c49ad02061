"""Shows copies of requests to a canary beside the traffic, and records how its answers compare; no client waits for it.

One thread a process, one copy at a time, a few that wait: what comes when these are taken is not copied.
"""

import hashlib
import logging
import queue
import threading
import time
from dataclasses import dataclass

from django.db import Error as DatabaseError
from django.db import connection

from Pm import canary_server
from Pm.canary import Canary
from Pm.errors import ApiError, BusyError
from Pm.models import Comparison
from Pm.reply import ModelAnswer

logger = logging.getLogger(__name__)
MAX_WAITING = 4  # pictures of up to MAX_IMAGE_BYTES


@dataclass(frozen=True)
class Copy:
    """One answered request, for the canary to answer as well."""

    released: Canary
    image_id: str
    request_id: str
    image: bytes
    stable: ModelAnswer
    stable_ms: float


_copies: queue.Queue[Copy] = queue.Queue(MAX_WAITING)
_thread: threading.Thread | None = None
_lock = threading.Lock()


def offer(copy: Copy) -> None:
    """Have a copy compared soon, or not at all."""
    global _thread
    try:
        _copies.put_nowait(copy)
    except queue.Full:
        return
    with _lock:
        if _thread is None or not _thread.is_alive():  # made at the first copy, so after uwsgi has forked
            _thread = threading.Thread(target=_work, daemon=True)
            _thread.start()


def _work() -> None:
    while True:
        copy = _copies.get()
        try:
            compare(copy)
        except DatabaseError:
            logger.exception("comparison not recorded")
        finally:
            connection.close()  # as a request does: the pool's connections are for all


def compare(copy: Copy) -> None:
    """Ask the canary and record both answers; a canary that is busy is spared the copy. Raises: django.db.Error."""
    start = time.monotonic()
    shadow: ModelAnswer | None = None
    error_code = ""
    try:
        shadow = canary_server.ask(copy.released, copy.image, copy.request_id)
    except BusyError:
        return
    except ApiError as exc:
        error_code = exc.code
    Comparison.objects.create(
        roll_out_id=copy.released.roll_out,
        image_id=copy.image_id,
        content_sha256=hashlib.sha256(copy.image).hexdigest(),
        request_id=copy.request_id,
        stable_result=copy.stable.result,
        stable_score=copy.stable.score,
        stable_ms=copy.stable_ms,
        shadow_result=shadow.result if shadow else "",
        shadow_score=shadow.score if shadow else None,
        shadow_ms=round((time.monotonic() - start) * 1000, 3),
        error_code=error_code,
        agrees=shadow.result == copy.stable.result if shadow else None,
    )
