"""From labelled photos to a served model: python -m training <step>; the steps are listed in the order they are run."""

import errno
import signal
import sys
from types import FrameType

import typer

from training.commands import data, judge, learn, serve, speed
from training.errors import TrainingError

PANELS = {
    "The photos": data.STEPS,
    "The training": learn.STEPS,
    "The judging": judge.STEPS,
    "The serving": serve.STEPS,
    "The speed": speed.STEPS,
}

# What the operating system does not say of its refusals.
NEXT = {
    errno.EEXIST: "name another place to write to",
    errno.ENOTDIR: "a part of this path is a file; name another",
    errno.EACCES: "name another place, or run this as the user whose it is",
    errno.EROFS: "name a place on another disk",
    errno.ENOSPC: "free some room, or name a place on another disk",
}

app = typer.Typer(no_args_is_help=True, add_completion=False, help=__doc__, pretty_exceptions_enable=False)
for panel, steps in PANELS.items():
    for step in steps:
        app.command(step.__name__.replace("_", "-"), rich_help_panel=panel)(step)


def _end(number: int, _frame: FrameType | None) -> None:
    """End as Ctrl-C does, so that what was half written goes; with the exit status that a shell gives to a signal."""
    sys.exit(128 + number)


def main() -> None:
    """Run one step; what is wrong is said in one sentence."""
    try:
        app()
    except TrainingError as exc:
        sys.exit(f"error: {exc}")
    except OSError as exc:  # no space, no permission, a file where a folder should be
        name = exc.filename2 or exc.filename  # of two, the one that was to be written
        where = f"{name}: " if name else ""
        next_step = f"; {NEXT[exc.errno]}." if exc.errno in NEXT else ""
        sys.exit(f"error: {where}{exc.strerror or exc}{next_step}")


if __name__ == "__main__":
    for ending in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(ending, _end)
    main()
