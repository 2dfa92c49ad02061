"""What the commands that change the served model have in common: pictures to try, who and why, how the end is told."""

import getpass
from argparse import ArgumentParser
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from django.core.management.base import BaseCommand, CommandError
from django.db import Error as DatabaseError
from django.utils import translation

from Pm.errors import RollOutError
from Pm.management.database import require_database
from Pm.model_servers import CanarySet
from Pm.models import RollOut
from Pm.roll_out_steps import Say


def add_canary_set(parser: ArgumentParser) -> None:
    """The two options of the off-line check."""
    parser.add_argument("--canary-set", type=Path, metavar="DIR", help="pictures in DIR/offline and DIR/online")
    parser.add_argument("--min-accuracy", metavar="X", help="least mean accuracy on the canary set, 0 to 1")


def canary_set(folder: Path | None, min_accuracy: str | None) -> CanarySet | None:
    """What these two options say. Raises: CommandError."""
    if folder is None:
        if min_accuracy is not None:
            raise CommandError("--min-accuracy needs the pictures that it is measured on: --canary-set DIR.")
        return None
    try:
        least = None if min_accuracy is None else float(min_accuracy)
    except ValueError:
        least = -1.0
    if least is not None and not 0 <= least <= 1:
        raise CommandError(f"--min-accuracy must be a number from 0 to 1, not {min_accuracy!r}.")
    return CanarySet(folder, least)


def add_who_and_why(parser: ArgumentParser) -> None:
    """What ends up in the record, and the language in which it says why there was nothing to do."""
    parser.add_argument("--reason", default="", help="why, for the record")
    parser.add_argument("--by", default=_user(), help="whom the record names; default: %(default)s")
    parser.add_argument("--language", default="en", help="of a refusal; the admin asks for its reader's")


def carry_out(command: BaseCommand, change: Callable[[Say], RollOut], language: str) -> None:
    """Do it, and say in one line what is served now.

    Raises: CommandError with the reason, when nothing was changed or what was changed is undone.
    """

    def say(text: str) -> None:
        with suppress(OSError):  # a terminal that is gone, or a pipe's reader, must not stop it half way
            command.stdout.write(text)
            command.stdout.flush()  # also into a pipe: progress is for now

    require_database()
    try:
        with translation.override(language):
            row = change(say)
    except (RollOutError, DatabaseError, OSError) as exc:
        raise CommandError(str(exc)) from exc
    if row.state == RollOut.State.DONE:
        say(command.style.SUCCESS(f"{row.version} is active."))
    else:
        say(f"{row.version or row.artifact}: {row.told_state}.")


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a user id without a name, as in containers
        return "unknown"
