"""Talks to supervisord over its socket: is it there, what runs, start it, stop it."""

import subprocess
import time
from dataclasses import dataclass
from typing import Any
from xmlrpc.client import Fault, ServerProxy

from supervisor.xmlrpc import SupervisorTransport

from server.env import ROOT
from server.stack.settings import StackError

SOCKET = ROOT / "var" / "run" / "supervisor.sock"
PROGRAMS = ("main_server", "nginx", "resnet_server1", "resnet_server2")
LOGS = {"main_server": "main_server", "nginx": "nginx", "resnet_server1": "res1", "resnet_server2": "res2"}
STOP_LIMIT_S = 90  # above the longest stopwaitsecs of supervisord.conf


@dataclass(frozen=True)
class Program:
    """One line of supervisorctl status."""

    name: str
    state: str
    description: str


def programs() -> list[Program] | None:
    """The state of every program, or None when supervisord does not run; waits while it is on its way out."""
    deadline = time.monotonic() + STOP_LIMIT_S
    while True:
        try:
            rows = call("getAllProcessInfo")
            break
        except OSError:
            return None
        except Fault as exc:
            if time.monotonic() > deadline:
                raise StackError(f"supervisord hangs while it stops: see log/supervisord.log ({exc}).") from exc
            time.sleep(0.1)
    return [Program(row["name"], row["statename"], row["description"]) for row in rows]


def start() -> None:
    """Start supervisord in the background.

    Raises: StackError when it refuses its configuration.
    """
    done = subprocess.run(
        ["supervisord", "-c", "supervisord.conf"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    if done.returncode:
        last = (done.stderr or done.stdout).strip().splitlines()[-1:]
        raise StackError(f"supervisord did not start: {''.join(last)}")


def shut_down() -> bool:
    """Stop every program, the public door first, and then supervisord; False when it did not run.

    Raises: StackError when it is still there after STOP_LIMIT_S.
    """
    try:
        call("shutdown")
    except OSError:
        return False
    except Fault:  # somebody else has asked for it already
        pass
    if programs() is not None:
        raise StackError("supervisord did not stop: see log/supervisord.log.")
    return True


def call(method: str) -> Any:  # noqa: ANN401 - XML-RPC answers what it answers
    """One call to supervisord.

    Raises: OSError when nothing listens on its socket.
    """
    proxy = ServerProxy("http://127.0.0.1", SupervisorTransport(None, None, f"unix://{SOCKET}"))
    return getattr(proxy.supervisor, method)()


def log_tail(program: str, lines: int = 5) -> str:
    """The last lines that a program wrote to its two logs."""
    tails = []
    for stream in ("out", "err"):
        path = ROOT / "log" / f"{LOGS[program]}_{stream}.log"
        if path.exists():
            tails += path.read_text(encoding="utf-8", errors="replace").splitlines()[-lines:]
    return "\n".join(f"    {line[:500]}" for line in tails)
