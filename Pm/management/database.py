"""What a command that works with records needs first: a database that is there, with its tables."""

from pathlib import Path

from django.core.management.base import CommandError
from django.db import Error as DatabaseError
from django.db import connection
from django.db.backends.base.base import NO_DB_ALIAS
from django.db.migrations.executor import MigrationExecutor

SQLITE_FINDS_NONE = "unable to open database file"
NO_TABLES = "The database has not all its tables yet: run make run first, which makes them."


def require_database() -> None:
    """Return when records can be read and written.

    Raises: CommandError, which says in a sentence what to do first.
    """
    probe = connection.copy(alias=NO_DB_ALIAS)  # a connection that is not pooled fails at once, and says why
    try:
        probe.ensure_connection()
    except DatabaseError as exc:
        reason = " ".join(str(exc).split())
        if reason == SQLITE_FINDS_NONE and Path(connection.settings_dict["NAME"]).parent.is_dir():
            raise CommandError(NO_TABLES) from exc
        what_to_do = "start it, or correct DATABASE_URL in .env"
        raise CommandError(f"The database cannot be reached: {what_to_do} ({reason}).") from exc
    finally:
        probe.close()
    executor = MigrationExecutor(connection)
    if executor.migration_plan(executor.loader.graph.leaf_nodes()):
        raise CommandError(NO_TABLES)
