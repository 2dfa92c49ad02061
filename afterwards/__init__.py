"""Does what no answer waits for, many at a time: Python that runs alone between two photos starts with cold caches.

Nothing that must not be lost belongs here: a killed process takes along what it has not yet done (docs/adr/0016).
"""

import atexit
import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

__all__ = ["do", "finish", "log", "start"]

logger = logging.getLogger(__name__)
PAUSE_S = 0.5  # what waits is done so often
MOST_WAITING = 10_000  # when nobody reads the log, answers wait for it rather than fill the memory
_waiting: deque[Callable[[], None]] = deque()
_one_at_a_time = threading.RLock()  # what is done may itself have something to do afterwards
_is_collecting = False


def start() -> None:
    """Collect from now on, in this process, which must not fork any more; when it ends, what waits is done."""
    global _is_collecting
    _is_collecting = True
    threading.Thread(target=_repeat, name="afterwards", daemon=True).start()
    atexit.register(finish)


def do(task: Callable[[], None]) -> None:
    """Call this soon, in another thread; at once where nobody has called start()."""
    _waiting.append(task)
    if not _is_collecting or len(_waiting) > MOST_WAITING:
        finish()


def log(to: logging.Logger, event: str, facts: Mapping[str, Any]) -> None:
    """Write this line soon, at INFO, with the time of now."""
    do(partial(_write, to, {"msg": event, "created": time.time(), **facts}))


def finish() -> None:
    """Do what waits, in turn, now."""
    with _one_at_a_time:
        while _waiting:
            try:
                _waiting.popleft()()
            except Exception:
                logger.exception("what an answer did not wait for failed")


def _repeat() -> None:
    while True:
        time.sleep(PAUSE_S)
        finish()


def _write(to: logging.Logger, attributes: Mapping[str, Any]) -> None:
    if to.isEnabledFor(logging.INFO):
        to.handle(logging.makeLogRecord({"name": to.name, "levelno": logging.INFO, "levelname": "INFO", **attributes}))
