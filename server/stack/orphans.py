"""Ends the workers of an nginx whose master was killed: they would keep the ports from the next one."""

import os
import signal
import time
from contextlib import suppress
from pathlib import Path

from server.env import ROOT

PID_FILE = ROOT / "var" / "run" / "nginx.pid"
PROC = Path("/proc")
GONE_LIMIT_S = 5.0  # then nginx tries to bind anyway, and says what is wrong


def end_orphans() -> list[int]:
    """Tell the workers of a dead master to finish what is in flight and end; wait for that. Returns: their pids.

    supervisor makes each program the leader of a process group, so the workers' group is their dead master's pid.
    """
    try:
        master = int(PID_FILE.read_text())
    except (OSError, ValueError):
        return []  # nginx removes the file when it ends in order
    if (PROC / str(master)).exists():
        return []
    orphans = [pid for pid in nginx_pids() if group_of(pid) == master]
    for pid in orphans:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGQUIT)
    deadline = time.monotonic() + GONE_LIMIT_S
    while any((PROC / str(pid)).exists() for pid in orphans) and time.monotonic() < deadline:
        time.sleep(0.05)
    return orphans


def nginx_pids() -> list[int]:
    """Every process on this machine that is called nginx."""
    pids = []
    for folder in PROC.glob("[0-9]*"):
        with suppress(OSError):
            if (folder / "comm").read_text().strip() == "nginx":
                pids.append(int(folder.name))
    return pids


def group_of(pid: int) -> int:
    """The process group, 0 when the process is gone."""
    try:
        return os.getpgid(pid)
    except ProcessLookupError:
        return 0
