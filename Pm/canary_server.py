"""Asks the server that serves a canary, and gives the canary up after a few failures in a row."""

import logging
import threading
from collections import Counter
from collections.abc import Callable
from functools import lru_cache

from django.conf import settings

from Pm import background, canary
from Pm.canary import Canary
from Pm.client import ModelClient, nothing
from Pm.errors import ApiError, BadModelReplyError, BusyError, ModelTimeoutError, ModelUnavailableError, RollOutError
from Pm.reply import ModelAnswer

logger = logging.getLogger(__name__)
# A crash, no answer in time, an internal error such as an answer of NaN. To be busy is no failure of the version.
FAILURES = (ModelUnavailableError, ModelTimeoutError, BadModelReplyError)
LIMIT = 5  # in a row, in one process of the gateway
SHARE_OF_TIME = 0.5  # the stable version has the rest, should the canary hang

_in_a_row: Counter[int] = Counter()  # roll-out → failures since its last answer
_lock = threading.Lock()


def ask(released: Canary, image: bytes, request_id: str, *, meanwhile: Callable[[], None] = nothing) -> ModelAnswer:
    """The answer of the backup, without the balancer: what it fails to answer must be told apart.

    `meanwhile` is ModelClient.classify's.
    Raises: FAILURES and BusyError when another must answer, else what is wrong with the picture.
    """
    limit_s = settings.GATEWAY.model_read_timeout_s * SHARE_OF_TIME
    try:
        client = _client(f"http://{settings.GATEWAY.model_servers[1]}", limit_s)
        answer = client.classify(image, request_id, meanwhile=meanwhile)
    except FAILURES as exc:
        _failed(released, exc)
        raise
    except BusyError:
        raise
    except ApiError:
        _in_a_row.pop(released.roll_out, None)
        raise
    _in_a_row.pop(released.roll_out, None)
    return answer


@lru_cache(maxsize=1)
def _client(url: str, limit_s: float) -> ModelClient:
    return ModelClient((url,), limit_s)


def _failed(released: Canary, error: ApiError) -> None:
    logger.warning("canary failed", extra={"model_version": released.version, "reason": error.message})
    with _lock:
        _in_a_row[released.roll_out] += 1
        is_too_often = _in_a_row[released.roll_out] >= LIMIT
        if is_too_often:
            del _in_a_row[released.roll_out]  # should it get a share again, or the file not go
    if is_too_often and canary.clear():  # the share is back; who removes the file goes on
        reason = f"it failed {LIMIT} times in a row, at last with {error.code}: {error.message}"
        threading.Thread(target=_abort, args=(reason,)).start()


def _abort(reason: str) -> None:
    """Give the backup what it had, in a process of its own."""
    try:
        background.start("canary", "--abort", "--by=the gateway", f"--reason={reason}")
    except RollOutError:
        logger.exception("canary not aborted")
