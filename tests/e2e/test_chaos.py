"""A random killer, one kill a second under load: every answer is right, none is lost, and nothing is left behind.

PM_CHAOS_S=180 makes it three minutes (make chaos); PM_CHAOS_SEED repeats a run. The clients do what docs/api.md asks:
when the connection breaks or the answer is 503, they ask again after Retry-After, or a second. How many of their
requests needed that is printed.
"""

import itertools
import os
import random
import signal
import threading
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest
import requests

from tests.e2e.stack import SAMPLE, Stack, wait_for
from tests.pictures import encode, screen

LONG = "PM_LONG" in os.environ
SECONDS = float(os.environ.get("PM_CHAOS_S", "180" if LONG else "10"))
SEED = int(os.environ.get("PM_CHAOS_SEED", "1"))
PATIENCE_S = 60.0
ASK_AGAIN = (502, 503, 504)
SLOTS = ("resnet_server1", "resnet_server2")
pytestmark = [pytest.mark.e2e, pytest.mark.timeout(600 + 2 * SECONDS)]


class PatientClients:
    """Clients that post pictures whose answers are known, and ask again when they are told to."""

    def __init__(self, stack: Stack, clients: int) -> None:
        self.stack = stack
        pictures = [SAMPLE, *(encode(screen(160 + 20 * n, 120)) for n in range(3))]
        self.expected = [(picture, stack.post(picture).json()["result"]) for picture in pictures]
        self.answered: set[str] = set()
        self.wrong: list[str] = []
        self.unanswered: list[str] = []
        self.asked_again: Counter[str] = Counter()
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._work, args=(number,)) for number in range(clients)]

    def _work(self, number: int) -> None:
        for count in itertools.count():
            if self._stop.is_set():
                return
            picture, expected = self.expected[count % len(self.expected)]
            image_id = f"chaos-{number}-{count}"
            self._ask(image_id, picture + image_id.encode(), expected)  # new to the server

    def _ask(self, image_id: str, picture: bytes, expected: str) -> None:
        deadline = time.monotonic() + PATIENCE_S
        while time.monotonic() < deadline:
            try:
                reply = self.stack.post(picture, image_id=image_id)
            except requests.RequestException as exc:
                self.asked_again[type(exc).__name__] += 1
                time.sleep(1)
                continue
            if reply.status_code not in ASK_AGAIN:
                self.answered.add(image_id)
                if (reply.status_code, reply.text) != (200, f'{{"image_id":"{image_id}","result":"{expected}"}}'):
                    self.wrong.append(reply.text)
                return
            self.asked_again[reply.json()["error"]["code"]] += 1
            time.sleep(float(reply.headers.get("Retry-After", "1")))
        self.unanswered.append(image_id)

    def __enter__(self) -> "PatientClients":
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join(PATIENCE_S + 60)


def kill_worker(stack: Stack, chance: random.Random, program: str) -> None:
    os.kill(chance.choice(stack.children(program)), signal.SIGKILL)


def kill_master(stack: Stack, chance: random.Random) -> None:
    os.kill(master_of(stack, chance.choice(SLOTS)), signal.SIGKILL)


def kill_server(stack: Stack, chance: random.Random) -> None:
    """The master and all its workers at once."""
    os.killpg(master_of(stack, chance.choice(SLOTS)), signal.SIGKILL)


def master_of(stack: Stack, program: str) -> int:
    """Raises: ProcessLookupError while there is none: signals to process 0 go to the test itself."""
    if not (pid := stack.pid(program)):
        raise ProcessLookupError(program)
    return pid


KILLS: dict[str, Callable[[Stack, random.Random], None]] = {
    "a model server's worker": lambda stack, chance: kill_worker(stack, chance, chance.choice(SLOTS)),
    "a gunicorn master": kill_master,
    "a uwsgi worker": lambda stack, chance: kill_worker(stack, chance, "main_server"),
    "an nginx worker": lambda stack, chance: kill_worker(stack, chance, "nginx"),
    "a whole model server": kill_server,
}


def family(stack: Stack) -> dict[str, int]:
    """How many processes each program has."""
    return {name: 1 + len(stack.children(name)) for name in stack.states()}


def at_home(stack: Stack) -> int:
    """How many processes work in the checkout's folder, whoever started them."""
    count = 0
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            count += (folder / "cwd").readlink() == stack.root
    return count


def open_files(stack: Stack) -> int:
    """Descriptors, sockets among them, of the processes that were not killed."""
    pids = [int(stack.ctl("pid")), stack.pid("main_server"), stack.pid("nginx")]
    return sum(len(list(Path(f"/proc/{pid}/fd").iterdir())) for pid in pids)


def files(stack: Stack) -> set[str]:
    """Every file of the state but pictures under their final names."""
    var = stack.root / "var"
    paths = {path.relative_to(var) for path in var.rglob("*") if not path.is_dir()}
    return {str(path) for path in paths if path.parts[0] != "media" or path.name.startswith(".")}


def test_a_random_killer_costs_no_answer_and_leaves_nothing_behind(own: Stack) -> None:
    chance, killed = random.Random(SEED), Counter[str]()
    processes, home, descriptors, before = family(own), at_home(own), open_files(own), files(own)
    with PatientClients(own, clients=4) as clients:
        end = time.monotonic() + SECONDS
        while time.monotonic() < end:
            kind = chance.choice(list(KILLS))
            with suppress(ProcessLookupError, IndexError, ValueError):  # it is dead already, or not there yet
                KILLS[kind](own, chance)
                killed[kind] += 1
            time.sleep(1)
    wait_for(lambda: set(own.states().values()) == {"RUNNING"})
    own.wait_ready()
    asked = len(clients.answered) + len(clients.unanswered)
    told = f"{asked} requests in {SECONDS:.0f} s, asked again {dict(clients.asked_again)}, killed {dict(killed)}"
    print(f"\n{told}")  # noqa: T201 - a measurement is for reading
    assert clients.wrong == []
    assert asked >= SECONDS
    assert len(clients.answered) >= 0.999 * asked, clients.unanswered
    recorded = {row[0] for row in own.sql("select image_id from Pm_prediction where result <> ''")}
    assert clients.answered <= recorded
    wait_for(lambda: family(own) == processes)
    wait_for(lambda: at_home(own) <= home)
    wait_for(lambda: open_files(own) <= descriptors + 8)  # kept connections come and go
    wait_for(lambda: not new_files(own, before))


def new_files(stack: Stack, before: set[str]) -> set[str]:
    """What lies there that did not; two workers of one slot may count at once, and SQLite has its two files."""
    spare = {f"run/metrics/{slot}/{kind}_1.db" for slot in SLOTS for kind in ("counter", "histogram", "gauge_livesum")}
    return files(stack) - before - spare - {"db.sqlite3-wal", "db.sqlite3-shm"}
