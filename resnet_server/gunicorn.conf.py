"""gunicorn's settings for one model server; every number has its reason beside it."""

import ctypes
import os
import signal
from functools import partial

from gunicorn.arbiter import Arbiter
from gunicorn.glogging import Logger
from gunicorn.workers.base import Worker

import afterwards
import process_metrics
from resnet_server.logs import log_config
from resnet_server.reload import replace_worker, say_ready
from resnet_server.settings import ROOT, read_settings, use_settings


class ErrorLogger(Logger):  # type: ignore[misc] # gunicorn is not typed
    """gunicorn's log of itself: answers.py writes a richer line for each request than its access log has."""

    def access(self, *_: object) -> None:
        """Nothing; gunicorn would collect every header and variable for it."""


# gunicorn reads this file at start and at each HUP; workers that come in between keep what was read.
settings = use_settings(read_settings())

wsgi_app = "resnet_server.app:create_app()"
bind = settings.bind
proc_name = settings.slot

# One process: the engine uses every core by itself, and a second copy of the weights would only cost memory.
workers = 1
worker_class = "resnet_server.worker.LingeringWorker"
# A thread for each request that runs or waits, and four more so that "busy" and the health checks are answered at once.
threads = settings.slots + settings.queue_size + 4
# Never preloaded: threads of OpenVINO and torch do not survive the fork (gunicorn #2478, pytorch #49555).
preload_app = False

# The timeout ladder: model read < this < uwsgi harakiri < nginx < supervisor stopwaitsecs (tests/test_timeouts.py).
timeout = int(settings.hang_limit_s)
graceful_timeout = timeout
# Longer than nginx's keepalive_timeout for upstreams (60 s), so that the side that reuses a connection closes it.
keepalive = 75
# Clean headers only; nothing legitimate needs more.
limit_request_line = 4094
limit_request_fields = 50

logconfig_dict = log_config(settings.log_level)
logger_class = ErrorLogger
# Workers touch a file several times a request to show that they live: in memory, which no full or slow disk holds up.
worker_tmp_dir = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None  # noqa: S108
control_socket_disable = True

PR_SET_PDEATHSIG = 1  # prctl(2)
METRICS = ROOT / "var" / "run" / "metrics" / settings.slot


def on_starting(server: Arbiter) -> None:
    """HUP loads the new model before it stops the old one."""
    server.reload = partial(replace_worker, server)
    process_metrics.clear(METRICS)


def pre_fork(server: Arbiter, worker: Worker) -> None:
    """While HUP changes the model there are two workers: each counts in files of its own."""
    worker.metrics_number = process_metrics.free_number({each.metrics_number for each in server.WORKERS.values()})


def post_fork(_server: Arbiter, worker: Worker) -> None:
    """A worker whose master was killed dies with it: it would hold the port and a queue that nobody serves."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    process_metrics.join(METRICS, worker.metrics_number)
    afterwards.start()


post_worker_init = say_ready
