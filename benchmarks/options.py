"""What the benchmarks' commands have in common: their options, and one sentence for what goes wrong."""

import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from benchmarks.errors import BenchmarkError
from server.env import ROOT

OUT = ROOT / "var" / "benchmarks"

Rounds = Annotated[int, typer.Option(min=1, help="Times that each side is measured, by turns; the median counts.")]
Seconds = Annotated[int, typer.Option(min=1, help="Length of each measurement.")]
Photos = Annotated[int, typer.Option(min=2, help="Different photos that are posted in turn.")]
Cores = Annotated[int, typer.Option(min=1, help="Everything, wrk included, stays on so many cores.")]
RealImages = Annotated[
    Path | None,
    typer.Option(envvar="PM_REAL_IMAGES", exists=True, help="Folder with offline/ and online/; else generated."),
]
Out = Annotated[Path, typer.Option(help="Folder of what is written.")]


def console() -> Console:
    """The terminal, or a file that is wide enough for the tables."""
    return Console(width=None if sys.stdout.isatty() else 160)


def run(command: Callable[..., None]) -> None:
    """Run one command; what goes wrong ends in one sentence and exit status 1, and what was started ends with it."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # timeout(1) ends a command so
    try:
        typer.run(command)
    except BenchmarkError as exc:
        sys.exit(f"error: {exc}")
    except KeyboardInterrupt:
        sys.exit("Stopped.")
