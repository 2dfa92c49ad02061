"""Ends a worker in which a picture hangs: gunicorn starts the next, nginx asks the other server meanwhile."""

import logging
import os
import threading
import time
from collections.abc import Callable

import afterwards
from resnet_server.admission import Admission

logger = logging.getLogger("resnet_server.watchdog")
LOOK_EVERY_S = 0.5
HUNG = 5  # the worker's exit status


def start_watchdog(admission: Admission, limit_s: float, end_worker: Callable[[], None] | None = None) -> None:
    """Watch, in a thread that ends with the process, for a request that works longer than `limit_s` seconds.

    gunicorn's own timeout does not see it: with threads, its heartbeat comes from the thread that accepts connections.
    A thread inside a decoder cannot be stopped, so its slot would be lost for ever; its client has long been told 504.
    """
    thread = threading.Thread(target=watch, args=(admission, limit_s, end_worker or end_process), daemon=True)
    thread.name = "watchdog"
    thread.start()


def watch(admission: Admission, limit_s: float, end_worker: Callable[[], None]) -> None:
    """Look until a request is over the limit, then end the worker."""
    while (worked_s := admission.longest_s()) <= limit_s:
        time.sleep(LOOK_EVERY_S)
    logger.critical("worker ends: a request hangs", extra={"seconds": round(worked_s, 1), "limit_s": limit_s})
    end_worker()


def end_process() -> None:
    """Leave at once, with nothing left unsaid: an orderly exit would wait for the thread that hangs."""
    afterwards.finish()
    os._exit(HUNG)
