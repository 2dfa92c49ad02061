"""What is run for the table, and in which order: the sides of a ratio by turns, so that noise hits both."""

import json
import os
import shlex
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import loky
from rich.progress import Progress

from benchmarks import rows
from benchmarks.book import Book, clients_name, mean_name, p50_name, part_name, rate_name, work_name
from benchmarks.errors import BenchmarkError
from benchmarks.in_process import Side
from benchmarks.photos import LABELS, Photo, growing, write_bodies, write_files
from benchmarks.processes import cpu_ms, family, memory
from benchmarks.stacks import Server, documented_stack, our_stack
from benchmarks.stages import counted, split
from benchmarks.wrk import OK, Load, post
from server.env import ROOT

SIDES = {
    Side.DOCUMENTED: rows.DOCUMENTED_LOOP,
    Side.OURS: rows.OUR_LOOP,
    Side.PILLOW: rows.PILLOW_ONE,
    Side.LOOP: rows.FULL_LOOP,
    Side.PILLOW_LOOP: rows.PILLOW_LOOP,
}


@dataclass(frozen=True)
class Plan:
    """How long everything takes, and where its files are."""

    work: Path
    weights: Path
    rounds: int
    seconds: int
    documented_seconds: int
    requests: int

    @property
    def bodies(self) -> Path:
        """What wrk posts."""
        return self.work / "bodies.txt"

    @property
    def photos(self) -> Path:
        """The same photos, as files."""
        return self.work / "photos"


def side_by_side(plan: Plan, book: Book, progress: Progress) -> None:
    """In-process sides, our stack and the documented one, by turns, for so many rounds."""
    with our_stack() as ours, documented_stack(plan.weights) as documented:
        steps: list[tuple[str, Callable[[], None]]] = [
            ("in process, documented", lambda: in_process(plan, book, Side.DOCUMENTED)),
            ("in process, ours", lambda: in_process(plan, book, Side.OURS)),
            ("our stack, 1 client", lambda: load(plan, book, rows.STACK, ours, 1, plan.seconds)),
            ("in process, with Pillow", lambda: in_process(plan, book, Side.PILLOW)),
            (
                "documented stack, 1 client",
                lambda: load(plan, book, rows.DOCUMENTED_STACK, documented, 1, plan.documented_seconds),
            ),
            ("in process, all cores", lambda: in_process(plan, book, Side.LOOP)),
            ("our stack, 8 clients", lambda: load(plan, book, rows.STACK, ours, 8, plan.seconds)),
            ("in process, all cores, with Pillow", lambda: in_process(plan, book, Side.PILLOW_LOOP)),
            (
                "documented stack, 8 clients",
                lambda: load(plan, book, rows.DOCUMENTED_STACK, documented, 8, plan.documented_seconds),
            ),
        ]
        turns = [step for number in range(plan.rounds) for step in (steps if number % 2 == 0 else steps[::-1])]
        for name, step in progress.track(turns, description="side by side"):
            progress.console.print(f"-- {name}")
            step()


def load(plan: Plan, book: Book, name: str, server: Server, clients: int, seconds: int) -> None:
    """One run of wrk after a warm-up that also empties the queues; and what each program worked for a photo."""
    server.settle()
    counted_before, before = counted(server.metrics), cpu_ms(family(server.pid))
    seen = post(server.url, plan.bodies, clients, seconds)
    book.add_load(name, seen)
    worked = {program: ms - before.get(program, 0) for program, ms in cpu_ms(family(server.pid)).items()}
    worked["wrk"] = seen.client_cpu_s * 1000
    answers = seen.statuses[OK]
    for_each = {program: ms / answers for program, ms in worked.items()}
    add_work(book, clients_name(name, clients), for_each, seen.seconds * 1000 / answers, seen.command)
    if server.metrics:
        for part, ms in split(counted_before, counted(server.metrics), clients * 1000 / seen.per_s).items():
            book.add(part_name(clients_name(name, clients), part), ms, "ms", " ".join(server.metrics))


def add_work(book: Book, subject: str, worked: dict[str, float], elapsed_ms: float, command: str) -> None:
    """Each program's milliseconds for one photo, and those that the cores had no work; `elapsed_ms`: for one photo."""
    idle_ms = loky.cpu_count() * elapsed_ms - sum(worked.values())
    for program, ms in (worked | {rows.NOBODY: max(0.0, idle_ms)}).items():
        book.add(work_name(subject, program), ms, "ms", command)


def in_process(plan: Plan, book: Book, side: Side) -> None:
    """One side in a process of its own, which warms up first."""
    command = ["python", "-m", "benchmarks.in_process", str(side), str(plan.photos), "--seconds", str(plan.seconds)]
    said = run_json(command, {"DOCUMENTED_MODEL": str(plan.weights)})
    text, subject = shlex.join(command), SIDES[side]
    book.add(mean_name(subject), said["mean_ms"], "ms", text)
    book.add(p50_name(subject), said["p50_ms"], "ms", text)
    book.add(rate_name(subject), said["per_s"], "photos/s", text)
    add_work(book, subject, {"in process": said["cpu_ms"]}, 1000 / said["per_s"], text)


def accuracy(plan: Plan, book: Book, photos: dict[int, list[Photo]]) -> None:
    """Mean over both labels of the share that is right, in points, by the documented way and by ours."""
    for side in (Side.DOCUMENTED, Side.OURS):
        shares = []
        for label, members in photos.items():
            folder = plan.work / "labelled" / LABELS[label]
            write_files(members, folder)
            command = ["python", "-m", "benchmarks.in_process", str(side), str(folder), "--label", str(label)]
            shares.append(run_json(command, {"DOCUMENTED_MODEL": str(plan.weights)})["right"])
        book.add(f"{SIDES[side]}: {rows.ACCURACY}", sum(shares) / len(shares) * 100, "points", shlex.join(command))


def run_json(command: list[str], environment: dict[str, str]) -> dict[str, float]:
    """The line of JSON that a module of ours prints.

    Raises: BenchmarkError when it fails.
    """
    done = subprocess.run(
        [sys.executable, *command[1:]],
        cwd=ROOT,
        env=os.environ | environment,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise BenchmarkError(f"{shlex.join(command)} failed: {done.stderr.strip()[-500:]}")
    said: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return said


def alone(plan: Plan, book: Book, progress: Progress) -> None:
    """A fresh stack with nothing beside it: its memory, then how it grows with clients and with the photo's size."""
    with our_stack() as server:
        grow_memory(plan, book, server, progress)
        for _ in progress.track(range(plan.rounds), description="more clients"):
            for clients in rows.CLIENT_COUNTS[:-1]:
                load(plan, book, rows.ALONE, server, clients, plan.seconds)
            for name in (rows.PATIENT, rows.IMPATIENT):
                server.settle()
                patient = name == rows.PATIENT
                overloaded(book, name, post(server.url, plan.bodies, 64, plan.seconds, patient=patient, busy=True))
        held = memory(server.pid)  # after 64 clients it may be more than after eight
        book.add(rows.PSS, held.pss_mb, "MB", "/proc/PID/smaps_rollup of supervisord, after 64 clients")
        for photo in progress.track(growing(), description="larger photos"):
            bodies = plan.work / "one.txt"
            write_bodies([photo], bodies)
            server.settle()
            for clients in (1, 8):
                book.add_load(f"{rows.ALONE}, {photo.name}", post(server.url, bodies, clients, plan.seconds))


def overloaded(book: Book, name: str, seen: Load) -> None:
    """What is asked of 64 clients."""
    book.add(rate_name(name), seen.per_s, "photos/s", seen.command)
    book.add(f"{name}: share of 503", seen.busy_share, "", seen.command)
    book.add(f"{name}: slowest 503", seen.slowest_busy_ms, "ms", seen.command)
    book.add(f"{name}: longest wait", seen.longest_ms, "ms", seen.command)


def grow_memory(plan: Plan, book: Book, server: Server, progress: Progress) -> None:
    """Eight clients until so many requests are answered; memory after a tenth of them and at the end."""
    answered = 0
    task = progress.add_task("memory", total=plan.requests)
    for requests, name in ((plan.requests // 10, rows.RSS_FIRST), (plan.requests, rows.RSS_LAST)):
        while answered < requests:
            seen = post(server.url, plan.bodies, 8, min(plan.seconds, 5))
            answered += sum(seen.statuses.values())
            progress.update(task, completed=answered)
        held = memory(server.pid)
        command = f"/proc/PID/smaps_rollup of supervisord ({clients_name('wrk', 8)}, {answered} requests)"
        book.add(name, held.rss_mb, "MB", command)
    book.add(rows.PSS, held.pss_mb, "MB", command)
