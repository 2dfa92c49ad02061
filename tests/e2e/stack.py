"""Starts the real stack from a copy of the checkout, on free ports: what a user runs, beside what already runs."""

import base64
import errno
import json
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from xmlrpc.client import Fault

import requests
from jsonschema import Draft202012Validator

from Pm import supervisord

ROOT = Path(__file__).resolve().parents[2]
COPIED = (
    "Pm",
    "api",
    "conf",
    "contracts",
    "jpeg_scans",
    "afterwards",
    "process_metrics",
    "resnet_server",
    "server",
    "manage.py",
    "supervisord.conf",
)
ERROR_SCHEMA = Draft202012Validator(json.loads((ROOT / "contracts" / "error.schema.json").read_text()))
SAMPLE = (ROOT / "resnet_server" / "default_model" / "golden.png").read_bytes()
_found_ports: deque[int] = deque(maxlen=200)


@dataclass
class Stack:
    """A running copy of Pm."""

    root: Path
    url: str
    env: dict[str, str]
    ports: dict[str, int]
    session: requests.Session = field(default_factory=requests.Session)

    def post(self, data: bytes = SAMPLE, image_id: object = "12345", **options: Any) -> requests.Response:
        """Post one picture as the documented client does."""
        body = {"image_id": image_id, "image_base64": str(base64.b64encode(data))}
        return requests.post(f"{self.url}/api/v1/get_pm", json=body, timeout=60, **options)

    def run(self, *command: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Run a program of the virtual environment in the copy."""
        done = subprocess.run(command, cwd=self.root, env=self.env, capture_output=True, text=True, check=False)
        assert not check or done.returncode == 0, done.stdout + done.stderr
        return done

    def ctl(self, *arguments: str) -> str:
        """What supervisorctl prints at the copy's root."""
        return self.run("supervisorctl", *arguments, check=False).stdout

    def pid(self, program: str) -> int:
        """The process that supervisor watches for a program; 0 when there is none now, which kill(2) must not see."""
        return next((int(row["pid"]) for row in self._programs() if row["name"] == program), 0)

    def children(self, program: str) -> list[int]:
        """The worker processes of a program that live: a killed one stays a zombie until its master looks."""
        if not (master := self.pid(program)):
            return []  # the children of 0 are the machine's
        living = ["pgrep", "--parent", str(master), "--runstates", "RSD"]
        text = subprocess.run(living, capture_output=True, text=True, check=False).stdout
        return [int(pid) for pid in text.split()]

    def log(self, name: str) -> list[dict[str, Any]]:
        """Every event of one log; each line must be JSON."""
        return [json.loads(line) for line in (self.root / "log" / name).read_text(encoding="utf-8").splitlines()]

    def sql(self, query: str) -> list[tuple[Any, ...]]:
        """Rows of the stack's own database."""
        import sqlite3

        with sqlite3.connect(self.root / "var" / "db.sqlite3", timeout=30) as connection:
            return connection.execute(query).fetchall()

    def wait_ready(self) -> None:
        """Wait until both model servers and the gateway are ready."""
        wait_for(lambda: set(self.states().values()) == {"RUNNING"})
        for port in (self.ports["model1"], self.ports["model2"]):
            wait_for(lambda port=port: status_of(f"http://127.0.0.1:{port}/readyz") == 200)  # type: ignore[misc]
        wait_for(lambda: status_of(f"{self.url}/readyz") == 200)

    def states(self) -> dict[str, str]:
        """Program → state; nothing while supervisord does not answer."""
        return {row["name"]: row["statename"] for row in self._programs()}

    def _programs(self) -> list[dict[str, Any]]:
        """What `supervisorctl status` prints, asked without starting a Python for each question of a waiting test."""
        with suppress(OSError, Fault):
            return list(supervisord.call(self.root / "var" / "run" / "supervisor.sock", "getAllProcessInfo"))
        return []


def code_of(reply: requests.Response) -> str:
    """The code of an error, after holding its body and headers against the contract."""
    assert reply.headers["Content-Type"].startswith("application/json"), reply.text
    body = reply.json()
    ERROR_SCHEMA.validate(body)
    assert body["error"]["request_id"] == reply.headers["X-Request-ID"]
    assert ("Retry-After" in reply.headers) == (reply.status_code in (429, 503))
    return str(body["error"]["code"])


def status_of(url: str) -> int:
    """The status of a GET, 0 when nothing answers."""
    try:
        return requests.get(url, timeout=5).status_code
    except requests.RequestException:
        return 0


def wait_for(condition: Callable[[], bool]) -> None:
    """Wait until the condition holds; a slow machine only makes it longer."""
    deadline = time.monotonic() + 120
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.05)


def free_ports(count: int) -> list[int]:
    """Ports that nothing listens on, and that the system gives to nobody else before a stack has taken them.

    It gives those of ip_local_port_range (from 32768 on) to whoever connects, or binds to port 0. What is found is not
    found again before it can have been taken: neither by this process nor by the two of pytest-xdist, which have a
    thousand ports each.
    """
    worker = os.environ.get("PYTEST_XDIST_WORKER")
    ports = range(17_000, 30_000)
    if worker is not None:
        ports = range(15_000, 17_000)[int(worker.removeprefix("gw")) % 2 :: 2]
    found: list[int] = []
    while len(found) < count:
        port = random.choice(ports)
        with socket.socket() as probe:
            if port not in _found_ports and probe.connect_ex(("127.0.0.1", port)) == errno.ECONNREFUSED:
                found.append(port)
                _found_ports.append(port)
    return found


def copy_checkout(target: Path) -> Path:
    """Copy what the product needs to run; a checkout runs wherever it lies."""
    target.mkdir(parents=True)
    for name in COPIED:
        source = ROOT / name
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(source, target / name, ignore=ignored) if source.is_dir() else shutil.copy(source, target)
    return target


def environment(ports: list[int], **changes: str) -> dict[str, str]:
    """The environment of a stack on these ports; nothing of the surrounding one's settings gets in."""
    kept = {name: os.environ[name] for name in ("HOME", "LANG", "USER") if name in os.environ}
    public, internal, model1, model2 = ports
    return kept | {
        "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"], "/usr/sbin"]),
        "PUBLIC_PORT": str(public),
        "INTERNAL_PORT": str(internal),
        "MODEL_SERVERS": f"127.0.0.1:{model1},127.0.0.1:{model2}",
        **changes,
    }


@contextmanager
def running_stack(folder: Path, **changes: str) -> Iterator[Stack]:
    """Start a copy of Pm with these settings and stop it at the end."""
    ports = free_ports(4)
    root = copy_checkout(folder / "Pm 校区")
    names = dict(zip(("public", "internal", "model1", "model2"), ports, strict=True))
    stack = Stack(root, f"http://127.0.0.1:{ports[0]}", environment(ports, **changes), names)
    try:
        stack.run("python", "-m", "server.stack", "up")
        yield stack
    finally:
        stack.run("python", "-m", "server.stack", "down", check=False)


@dataclass(frozen=True)
class Mark:
    """One request of a Load: when it was sent, how long it took, and which model version answered."""

    sent: float  # time.monotonic()
    seconds: float
    version: str

    @property
    def answered(self) -> float:
        return self.sent + self.seconds


class Load:
    """Clients that post one picture after another until the block ends; every answer is kept."""

    def __init__(self, stack: Stack, clients: int) -> None:
        self.stack = stack
        self.answers: list[tuple[int, str]] = []
        self.marks: list[Mark] = []
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._work, args=(number,)) for number in range(clients)]

    def _work(self, number: int) -> None:
        count = 0
        while not self._stop.is_set():
            sent = time.monotonic()
            try:
                reply = self.stack.post(image_id=f"load-{number}-{count}")
                version = reply.headers.get("X-Model-Version", "none")
                self.marks.append(Mark(sent, time.monotonic() - sent, version))
                self.answers.append((reply.status_code, reply.text))
            except requests.RequestException as exc:
                self.answers.append((0, str(exc)))
            count += 1

    def __enter__(self) -> "Load":
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join(90)

    def wait_for_answers(self, count: int) -> None:
        """Wait until so many more answers have come."""
        target = len(self.answers) + count
        wait_for(lambda: len(self.answers) >= target)

    @property
    def failures(self) -> list[tuple[int, str]]:
        """Every answer that is not a 200."""
        return [answer for answer in self.answers if answer[0] != requests.codes.ok]


def sigkill(*pids: int) -> None:
    """Kill those that are still there; to signal 0 would kill the tests."""
    for pid in pids:
        assert pid
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


@contextmanager
def frozen(pids: list[int]) -> Iterator[None]:
    """Processes that hang: they keep their connections and answer nothing."""
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        for pid in pids:
            with suppress(ProcessLookupError):  # its master gave it up
                os.kill(pid, signal.SIGCONT)
