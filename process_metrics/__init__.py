"""Prometheus numbers that the processes of one program share in files, so that each of them can tell the sum.

prometheus_client names a process's files by its process id, so that each new process leaves files behind. Here they
have a small number, which the process that follows a dead one takes over: counters go on, and nothing grows.
"""

import logging
import os
import shutil
from pathlib import Path

from prometheus_client import CollectorRegistry, generate_latest, values
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4 as CONTENT_TYPE
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector

__all__ = ["CONTENT_TYPE", "INSTRUMENTS", "clear", "exposition", "free_number", "join"]

logger = logging.getLogger(__name__)
INSTRUMENTS = CollectorRegistry()  # for every counter, gauge and histogram: what is told where no files are shared
FOLDER_VARIABLE = "PROMETHEUS_MULTIPROC_DIR"  # where prometheus_client looks for it
KINDS = ("counter", "histogram", "gauge_livesum")
# Of one file: a thousand series. Taken at once, since a full disk must not end a process that writes to a page of it.
FILE_BYTES = 256 * 1024


def clear(folder: Path) -> None:
    """Start from zero, as Prometheus expects of a program that was started anew; no process may have joined yet."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True, exist_ok=True)


def free_number(taken: set[int]) -> int:
    """The smallest number that no living process has."""
    return next(number for number in range(len(taken) + 1) if number not in taken)


def join(folder: Path, number: int) -> None:
    """Count in the files of this number from now on; two processes that live at once must not have the same.

    Comes before the first metric is made. Where the files cannot be made, this process tells its own numbers only.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for kind in KINDS:
            with (folder / f"{kind}_{number}.db").open("ab") as file:
                os.posix_fallocate(file.fileno(), 0, FILE_BYTES)
    except OSError as exc:
        logger.warning("metrics are not shared", extra={"reason": str(exc)})
        return
    os.environ[FOLDER_VARIABLE] = str(folder)
    values.ValueClass = values.MultiProcessValue(lambda: number)  # type: ignore[no-untyped-call]


def exposition(*collectors: Collector) -> bytes:
    """What all processes have counted, and what these collectors say now, in Prometheus' text format."""
    registry = CollectorRegistry()
    if FOLDER_VARIABLE in os.environ:
        MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
    else:
        registry.register(INSTRUMENTS)
    for collector in collectors:
        registry.register(collector)
    return generate_latest(registry)
