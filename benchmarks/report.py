"""Writes what was measured: the table on the screen, the numbers as JSON, and a plot."""

import json
import os
import platform
import shlex
import subprocess
import sys
from contextlib import suppress
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

import matplotlib as mpl
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from rich.console import Console
from rich.table import Table

from benchmarks import rows
from benchmarks.book import Book, clients_name, p50_name, part_name, rate_name
from benchmarks.photos import GROWING_SIZES
from benchmarks.rows import Row
from benchmarks.stages import PARTS
from server.env import ROOT

mpl.use("Agg")
MET = {True: "met", False: "MISSED", None: "not judged"}
PACKAGES = ("openvino", "torch", "torchvision", "Pillow", "Django", "Flask", "gunicorn", "uwsgi")


def table(found: list[Row]) -> Table:
    """Both sides of every row, its value, its target, and whether it is met."""
    caption = "sides by turns: the median of each round's own; ÷ peak: of medians; one side alone: the worst round"
    grid = Table("what", "first", "second", "result", "target", "", "note", caption=caption)
    for row in found:
        second = "" if row.second is None else number(row.second, row.unit)
        sign = "≥" if row.at_least else "≤"
        result = "" if row.second is None else f"{row.value:.2f}"
        target = f"{sign} {row.target:g}"
        grid.add_row(row.what, number(row.first, row.unit), second, result, target, MET[row.met], row.note)
    return grid


def number(value: float, unit: str) -> str:
    """Three or four digits and the unit."""
    return f"{value:.0f} {unit}".strip() if value >= 1000 or value == int(value) else f"{value:.4g} {unit}".strip()


def machine() -> dict[str, object]:
    """Where the numbers come from, and how to have them again."""
    info = Path("/proc/cpuinfo").read_text(encoding="utf-8")
    models = [line.partition(":")[2].strip() for line in info.splitlines() if line.startswith("model name")]
    return {
        "command": shlex.join(sys.orig_argv),
        "commit": commit(),
        "cpu": models[0] if models else platform.machine(),
        "cores": len(os.sched_getaffinity(0)),
        "load_average_at_start": os.getloadavg()[0],
        "kernel": platform.release(),
        "python": platform.python_version(),
        "versions": {name: version(name) for name in PACKAGES},
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
    }


def commit() -> str:
    """The code's commit, "-dirty" where it was changed since; nothing where it is in no repository of git."""
    command = ["git", "describe", "--always", "--dirty", "--exclude", "*"]
    with suppress(OSError):
        return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False).stdout.strip()
    return ""


def write_json(path: Path, facts: dict[str, object], found: list[Row], book: Book) -> None:
    """Everything, with the command of each number."""
    lines = [vars(row) | {"met": row.met} for row in found]
    document = facts | {"rows": lines, "numbers": book.document()}
    path.write_text(json.dumps(document, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def plot(path: Path, book: Book, title: str) -> None:
    """Throughput against clients, and latency against the photo's size."""
    figure, (left, right) = plt.subplots(1, 2, figsize=(12, 4.5), layout="constrained")
    figure.suptitle(title)
    clients_axes(left, book)
    sizes_axes(right, book)
    figure.savefig(path, dpi=120)
    plt.close(figure)


def clients_axes(axes: Axes, book: Book) -> None:
    """How throughput grows with clients; the grey lines are loops without any server."""
    for server in (rows.ALONE, rows.DOCUMENTED_STACK):
        counts = [clients for clients in rows.CLIENT_COUNTS if rate_name(server, clients) in book]
        axes.plot(counts, [book[rate_name(server, clients)] for clients in counts], marker="o", label=server)
    for name, marker in ((rows.PATIENT, "^"), (rows.IMPATIENT, "v")):
        axes.plot([64], [book[rate_name(name)]], marker, label=name)
    for loop, style in ((rows.FULL_LOOP, "--"), (rows.PILLOW_LOOP, ":")):
        axes.axhline(book[rate_name(loop)], linestyle=style, color="grey", label=loop)
    axes.set_xscale("log", base=2)
    axes.set_xticks(rows.CLIENT_COUNTS, [str(clients) for clients in rows.CLIENT_COUNTS])
    axes.set(xlabel="clients", ylabel="photos a second", ylim=(0, None))
    # above the documented stack's line
    axes.legend(loc="lower right", bbox_to_anchor=(1, 0.08), fontsize="small")


def sizes_axes(axes: Axes, book: Book) -> None:
    """How the answer's time grows with the photo."""
    megapixels = [width * height / 1e6 for width, height in GROWING_SIZES]
    names = [f"{rows.ALONE}, {width} x {height}" for width, height in GROWING_SIZES]
    for clients in (1, 8):
        p50 = [book[p50_name(clients_name(name, clients))] for name in names]
        axes.plot(megapixels, p50, marker="o", label=f"{clients} client{'s' if clients > 1 else ''}")
    axes.set(xlabel="megapixels of a JPEG", ylabel="p50, ms", ylim=(0, None), xlim=(0, None))
    axes.legend(loc="upper left", fontsize="small")


def remarks(facts: dict[str, object]) -> list[str]:
    """What a reader of the table must know of the machine and the photos."""
    kind = "real" if facts["real_photos"] else "generated"
    said = [f"{facts['cpu']}, {facts['cores']} cores; {kind}: {facts['photos']}."]
    if facts["machine_was_busy"]:
        said.append("OTHER PROGRAMS WERE RUNNING before or after this: quote none of it; run it when it is quiet.")
    return said


def work(book: Book) -> Table:
    """What each program works for one photo: where the time goes that the whole stack takes more than the bare loop."""
    grid = Table("cores' milliseconds for one photo", "program", "ms")
    one, eight = (clients_name(rows.STACK, clients) for clients in (1, 8))
    for subject in (rows.PILLOW_ONE, rows.OUR_LOOP, one, rows.PILLOW_LOOP, rows.FULL_LOOP, eight):
        for program, ms in rows.where_it_goes(book, subject).items():
            grid.add_row(subject, program, f"{ms:.2f}")
    return grid


def parts(book: Book) -> Table:
    """What a photo spends in each part of the whole stack, on average; eight clients' photos wait in its queue."""
    grid = Table("milliseconds of one photo", "1 client", "8 clients")
    for part in PARTS:
        times = [book[part_name(clients_name(rows.STACK, clients), part)] for clients in (1, 8)]
        grid.add_row(part, *(f"{ms:.2f}" for ms in times))
    return grid


def say(console: Console, sentence: str) -> None:
    """One line below the table."""
    console.print(sentence, soft_wrap=True, highlight=False)
