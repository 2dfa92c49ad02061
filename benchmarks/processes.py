"""The memory of a process and all that it started, and the cores that a benchmark may use."""

import os
import time
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from benchmarks.errors import BenchmarkError

PROC = Path("/proc")
BYTES_PER_KIB = 1024
TRIES = 5  # a family is looked at one by one, and a helper of a worker may live for milliseconds
LOOK_S = 2.0
CREATIONS = 15
QUIET_CORES = 0.15  # what a machine's own housekeeping may take


@dataclass(frozen=True)
class Memory:
    """Sums over processes, in MB of 10^6 bytes: shared pages counted once (PSS), and once for each process (RSS)."""

    pss_mb: float
    rss_mb: float


def family(pid: int) -> list[int]:
    """A process and all its descendants."""
    children: dict[int, list[int]] = {}
    for folder in PROC.glob("[0-9]*"):
        try:
            # "pid (name) state ppid …"; the name may hold spaces and brackets.
            parent = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
        except OSError:  # it ended meanwhile
            continue
        children.setdefault(parent, []).append(int(folder.name))
    found = [pid]
    for each in found:  # grows while it is walked
        found += children.get(each, [])
    return found


def memory(pid: int) -> Memory:
    """What the kernel says of a process and all its descendants; where one ends meanwhile, of those a moment later.

    Raises: BenchmarkError when one cannot be read: a sum with a process left out would be a lie.
    """
    for tries_left in reversed(range(TRIES)):
        try:
            rollups = [(PROC / str(each) / "smaps_rollup").read_text() for each in family(pid)]
            break
        except OSError as exc:
            if not tries_left:
                words = f"The memory of {exc.filename} cannot be read ({exc.strerror}); measure again."
                raise BenchmarkError(words) from exc
    return Memory(
        pss_mb=sum(field_mb(rollup, "Pss") for rollup in rollups),
        rss_mb=sum(field_mb(rollup, "Rss") for rollup in rollups),
    )


def field_mb(rollup: str, name: str) -> float:
    """One line of smaps_rollup ("Pss:   1234 kB", which are KiB), in MB."""
    line = next(line for line in rollup.splitlines() if line.startswith(f"{name}:"))
    return int(line.split()[1]) * BYTES_PER_KIB / 1e6


def cpu_ms(pids: list[int]) -> dict[str, float]:
    """Milliseconds that the processes and their ended children have worked so far, by the program's name.

    A worker that is replaced goes on counting, as its master's; what has ended itself is left out.
    """
    found: dict[str, float] = {}
    for pid in pids:
        try:
            head, _, fields = (PROC / str(pid) / "stat").read_text().rpartition(")")
        except OSError:
            continue
        name, ticks = head.partition("(")[2], fields.split()[11:15]  # utime, stime, cutime and cstime of proc(5)
        found[name] = found.get(name, 0) + sum(map(int, ticks)) * 1000 / os.sysconf("SC_CLK_TCK")
    return found


def pin(cores: int) -> None:
    """Keep this process, and all that it starts, on so many cores.

    Raises: BenchmarkError when there are not that many.
    """
    available = sorted(os.sched_getaffinity(0))
    if len(available) < cores:
        raise BenchmarkError(f"This machine gives {len(available)} cores: run with --cores {len(available)}.")
    os.sched_setaffinity(0, available[:cores])


def others_are_busy() -> bool:
    """Whether anything on this machine works now, while the benchmark itself sleeps for a moment."""
    before = cpu_s()
    time.sleep(LOOK_S)
    return (cpu_s() - before) / LOOK_S > QUIET_CORES


def creation_us(folder: Path) -> float:
    """Median microseconds that creating an empty file takes in `folder`, which is made when it is not there."""
    folder.mkdir(parents=True, exist_ok=True)
    times = []
    for number in range(CREATIONS):
        path = folder / f"creation-{number}"
        start = time.perf_counter()
        path.touch(exist_ok=False)
        times.append((time.perf_counter() - start) * 1e6)
        path.unlink()
    return median(times)


def cpu_s() -> float:
    """Seconds that all cores together have worked since the machine started."""
    # user, nice, system, idle, iowait, irq, softirq, steal (proc(5)); steal is another machine's work on our core.
    fields = [int(word) for word in (PROC / "stat").read_text().splitlines()[0].split()[1:9]]
    return (sum(fields) - fields[3] - fields[4]) / os.sysconf("SC_CLK_TCK")
