"""Talks to supervisord over its socket: is it there, what runs, start it, stop it."""

import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from xmlrpc.client import Fault

from Pm import supervisord
from server.env import ROOT
from server.stack.settings import StackError

SOCKET = ROOT / "var" / "run" / "supervisor.sock"
LOGS = {"main_server": "main_server", "nginx": "nginx", "resnet_server1": "res1", "resnet_server2": "res2"}
# As it was before .env was loaded over it: what supervisord inherits outlives later changes of .env, and would win.
CALLERS_ENVIRONMENT = dict(os.environ)
STOP_LIMIT_S = 240  # above the sum of stopwaitsecs over the three priorities of supervisord.conf


@dataclass(frozen=True)
class Program:
    """One line of supervisorctl status."""

    name: str
    state: str
    description: str
    started: int  # seconds since 1970


def programs() -> list[Program] | None:
    """The state of every program, or None when supervisord does not run.

    Raises: StackError when it runs and cannot be asked.
    """
    try:
        rows = call("getAllProcessInfo")
    except OSError as exc:
        if (pid := process_id()) is None:
            return None
        raise StackError(f"supervisord (process {pid}) runs, but not its socket: run make stop first.") from exc
    except Fault as exc:
        raise StackError("Pm is being stopped just now: wait a moment, then try again.") from exc
    return [Program(row["name"], row["statename"], row["description"], row["start"]) for row in rows]


def start() -> None:
    """Start supervisord in the background.

    Raises: StackError when it refuses its configuration.
    """
    programs_path = os.pathsep.join([str(Path(sys.prefix) / "bin"), CALLERS_ENVIRONMENT.get("PATH", os.defpath)])
    done = subprocess.run(
        [Path(sys.prefix) / "bin" / "supervisord", "-c", "supervisord.conf"],
        cwd=ROOT,
        env=CALLERS_ENVIRONMENT | {"PATH": programs_path},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        said = (done.stderr or done.stdout).strip().splitlines() or ["it said nothing"]
        raise StackError(f"supervisord did not start: {said[0]}")


def shut_down() -> bool:
    """Stop every program, the public door first, and then supervisord; False when it did not run.

    Raises: StackError when it is still there after STOP_LIMIT_S.
    """
    pid = process_id()
    if pid is None:
        return False
    os.kill(pid, signal.SIGTERM)  # the same as its "shutdown", and works when its socket is gone
    deadline = time.monotonic() + STOP_LIMIT_S
    while process_id() == pid:
        if time.monotonic() > deadline:
            raise StackError(f"supervisord (process {pid}) did not stop: see log/supervisord.log.")
        time.sleep(0.1)
    return True


def process_id() -> int | None:
    """The process of this checkout's supervisord, found among all that run: its files may have been wiped."""
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            command = (folder / "cmdline").read_bytes().split(b"\0")
            if any(part.endswith(b"supervisord") for part in command[:2]) and (folder / "cwd").readlink() == ROOT:
                return int(folder.name)
        except OSError:  # it ended meanwhile, or is somebody else's
            continue
    return None


def call(method: str, *arguments: str) -> Any:  # noqa: ANN401 - XML-RPC answers what it answers
    """One call to supervisord.

    Raises: OSError when nothing listens on its socket.
    """
    return supervisord.call(SOCKET, method, *arguments)


def log_tail(program: str, lines: int = 5) -> str:
    """The last lines that a program wrote to its two logs."""
    tails = []
    for stream in ("out", "err"):
        path = ROOT / "log" / f"{LOGS[program]}_{stream}.log"
        if path.exists():
            tails += path.read_text(encoding="utf-8", errors="replace").splitlines()[-lines:]
    return "\n".join(f"    {line[:500]}" for line in tails)
