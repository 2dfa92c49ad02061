"""HUP without a pause: the new worker loads and proves its model before the old one is told to stop."""

import os
import select
import signal
import time

from gunicorn.arbiter import Arbiter
from gunicorn.workers.base import Worker

from resnet_server.settings import current_settings, use_settings

LOAD_LIMIT_S = 60.0  # less than supervisor's stopwaitsecs: a stop that comes meanwhile is only late

_ready_fd: int | None = None  # in a worker that HUP started: where it says that its model is ready


def say_ready(_worker: Worker) -> None:
    """Tell the master that the model is loaded and has answered its golden image: gunicorn's post_worker_init."""
    if _ready_fd is not None:
        os.write(_ready_fd, b"1")


def replace_worker(arbiter: Arbiter) -> None:
    """Read the settings and the slot's pointer anew, and replace the worker; refused, everything stays as it was.

    gunicorn's own reload tells the old worker to stop at once, so that requests wait while the new one loads; and when
    that fails, the whole server ends.
    """
    old_cfg, old_settings, old_age = arbiter.app.cfg, current_settings(), arbiter.worker_age
    try:
        arbiter.app.reload()
    except SystemExit:  # gunicorn has said on standard error what is wrong
        arbiter.app.cfg = old_cfg
        use_settings(old_settings)
        refuse(arbiter, "the settings cannot be used; see the server's _err.log")
        return
    arbiter.setup(arbiter.app)
    if problem := start_successor(arbiter):
        arbiter.app.cfg = old_cfg
        use_settings(old_settings)  # a worker that is started later serves what this one serves
        arbiter.setup(arbiter.app)
        refuse(arbiter, problem)
        return
    arbiter.manage_workers()  # tells the older one to stop accepting and to finish what it has
    wait_for_the_end_of_older(arbiter, old_age)


def start_successor(arbiter: Arbiter) -> str:
    """Fork a worker and wait until it is ready; says why it is not, "" when it is."""
    global _ready_fd
    reading, writing = os.pipe()
    _ready_fd = writing
    with os.fdopen(reading, "rb", buffering=0) as pipe:
        try:
            pid = arbiter.spawn_worker()  # in the child this never returns
        except OSError as exc:
            return f"no process could be started: {exc.strerror}"
        finally:
            _ready_fd = None
            os.close(writing)
        in_time = bool(select.select([pipe], [], [], LOAD_LIMIT_S)[0])
        if in_time and pipe.read(1):
            return ""
    if not in_time:
        os.kill(pid, signal.SIGKILL)
    _, status = os.waitpid(pid, 0)
    arbiter.WORKERS.pop(pid).tmp.close()
    return f"its worker ended with {os.waitstatus_to_exitcode(status)} before it was ready"


def wait_for_the_end_of_older(arbiter: Arbiter, age: int) -> None:
    """Return when no worker of this age or older is left, so that the next signal meets one worker only."""
    deadline = time.monotonic() + arbiter.cfg.graceful_timeout
    while time.monotonic() < deadline and any(worker.age <= age for worker in arbiter.WORKERS.values()):
        arbiter.reap_workers()
        time.sleep(0.1)


def refuse(arbiter: Arbiter, reason: str) -> None:
    """Write the line that a roll-out looks for: the old model goes on serving."""
    arbiter.log.error("reload refused", extra={"reason": reason, "slot": current_settings().slot})
