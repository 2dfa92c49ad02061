"""Notices that SQLite's file was deleted or replaced: a connection would go on writing to what no name leads to."""

import os
from typing import Any

from django.db import OperationalError, connection
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.signals import connection_created
from django.dispatch import receiver

_FILE = "pm_database_file"  # of a connection: device and inode of what it opened


@receiver(connection_created)
def remember_file(*, connection: BaseDatabaseWrapper, **_: Any) -> None:  # noqa: ANN401 - a signal's arguments
    """Keep which file a new connection has opened."""
    setattr(connection, _FILE, _identity(connection))


def require_database_file() -> None:
    """Let the next query open the file anew when it was replaced, so that a restored one serves without a restart.

    Raises: OperationalError when it is gone: SQLite would make an empty one.
    """
    if connection.vendor != "sqlite" or not str(connection.settings_dict["NAME"]).startswith("/"):
        return  # PostgreSQL, or a test's database in memory
    now = _identity(connection)
    if now is None:
        connection.close()
        raise OperationalError(f"{connection.settings_dict['NAME']} is gone")
    if connection.connection is not None and getattr(connection, _FILE, now) != now:
        connection.close()


def _identity(connection: BaseDatabaseWrapper) -> tuple[int, int] | None:
    try:
        status = os.stat(str(connection.settings_dict["NAME"]))  # noqa: PTH116 - once a request: no Path is made
    except OSError:
        return None
    return status.st_dev, status.st_ino
