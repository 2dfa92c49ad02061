"""What the commands that change the served model have in common: who and why, and how the end is told."""

import getpass
from argparse import ArgumentParser
from collections.abc import Callable
from contextlib import suppress

from django.core.management.base import BaseCommand, CommandError
from django.db import Error as DatabaseError

from Pm.errors import RollOutError
from Pm.management.database import require_database
from Pm.models import RollOut
from Pm.rollout import Say


def add_who_and_why(parser: ArgumentParser) -> None:
    """The two options that end up in the record."""
    parser.add_argument("--reason", default="", help="why, for the record")
    parser.add_argument("--by", default=_user(), help="whom the record names; default: %(default)s")


def carry_out(command: BaseCommand, change: Callable[[Say], RollOut]) -> None:
    """Do it, and say in one line what is served now.

    Raises: CommandError with the reason, when nothing was changed or what was changed is undone.
    """

    def say(text: str) -> None:
        with suppress(OSError):  # a terminal that is gone, or a pipe's reader, must not stop it half way
            command.stdout.write(text)
            command.stdout.flush()  # also into a pipe: progress is for now

    require_database()
    try:
        row = change(say)
    except (RollOutError, DatabaseError, OSError) as exc:
        raise CommandError(str(exc)) from exc
    if row.state == RollOut.State.DONE:
        say(command.style.SUCCESS(f"{row.version} is active."))
    else:
        say(f"{row.version or row.artifact}: {row.get_state_display()}.")


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a user id without a name, as in containers
        return "unknown"
