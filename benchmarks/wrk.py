"""Drives a server with wrk, which takes next to nothing of the cores that it measures, and reads what it prints."""

import json
import resource
import shlex
import shutil
import subprocess
from dataclasses import dataclass
from itertools import count
from pathlib import Path

from benchmarks.errors import BenchmarkError

SCRIPT = Path(__file__).with_name("post.lua")
TIMEOUT_S = 60
OK = "200"
BUSY = "503"
# Two runs on one server must never post the same picture: the gateway keeps each picture once.
_series = count(1)


@dataclass(frozen=True)
class Load:
    """What one run of wrk saw."""

    clients: int
    seconds: float
    statuses: dict[str, int]
    errors: dict[str, int]  # connect, read, write, timeout
    latency_ms: dict[str, float]  # p50, p95, p99, over every answer; wrk adds what a slow one held back
    slowest_busy_ms: float  # 0 when nobody was told 503
    longest_ms: float  # that a request waited, answered or not; 0 where the server echoes no X-Request-ID
    steady: int  # 200s after the first so many, one for each client
    steady_seconds: float  # and the time that these took
    client_cpu_s: float
    command: str

    @property
    def per_s(self) -> float:
        """Photos classified a second, from the first answers on: see post.lua."""
        return self.steady / self.steady_seconds

    @property
    def busy_share(self) -> float:
        """The share of the answers that were 503."""
        return self.statuses.get(BUSY, 0) / max(1, sum(self.statuses.values()))


def post(url: str, bodies: Path, clients: int, seconds: int, *, patient: bool = False, busy: bool = False) -> Load:
    """Let so many clients post photos without a pause, each with a connection of its own.

    Raises: BenchmarkError when any answer was not 200 (or 503, with `busy`), when one was lost, or when none came.
    """
    command = [
        *("wrk", "--threads", "1", "--connections", str(clients), "--duration", f"{seconds}s"),
        *("--timeout", f"{TIMEOUT_S}s", "--script", str(SCRIPT), url),
        *("--", str(bodies), f"{next(_series):07d}", str(clients), *(["patient"] if patient else [])),
    ]
    if not shutil.which("wrk"):
        raise BenchmarkError("wrk is not installed: run apt-get install wrk as root.")
    before = children_cpu_s()
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise BenchmarkError(f"wrk failed: {(done.stderr or done.stdout).strip()}")
    load = parse(done.stdout, clients, children_cpu_s() - before, shlex.join(command))
    check(load, {OK, BUSY} if busy else {OK})
    return load


def parse(output: str, clients: int, client_cpu_s: float, command: str) -> Load:
    """The line that post.lua prints at the end.

    Raises: BenchmarkError when it is not there.
    """
    lines = [line.removeprefix("JSON ") for line in output.splitlines() if line.startswith("JSON ")]
    if not lines:
        raise BenchmarkError(f"wrk printed no result; it said: {output.strip()[-500:]}")
    said = json.loads(lines[-1])
    return Load(
        clients=clients,
        seconds=said["seconds"],
        statuses={status: int(number) for status, number in said["statuses"].items()},
        errors={kind: int(number) for kind, number in said["errors"].items()},
        latency_ms=said["latency_ms"],
        slowest_busy_ms=said["slowest_busy_ms"],
        longest_ms=said["longest_ms"],
        steady=int(said["steady"]),
        steady_seconds=said["steady_seconds"],
        client_cpu_s=client_cpu_s,
        command=command,
    )


def check(load: Load, expected: set[str]) -> None:
    """A rate of wrong answers is no rate.

    Raises: BenchmarkError naming the statuses and errors that do not belong.
    """
    strange = {status: number for status, number in load.statuses.items() if status not in expected}
    lost = {kind: number for kind, number in load.errors.items() if number}
    if strange or lost:
        wanted = " or ".join(sorted(expected))
        raise BenchmarkError(f"Not every answer was {wanted}: {strange | lost} in {load.command}")
    if not load.steady:
        raise BenchmarkError(f"No client was answered twice in {load.seconds:.0f} s; measure longer: {load.command}")


def children_cpu_s() -> float:
    """Processor seconds of the child processes that have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime
