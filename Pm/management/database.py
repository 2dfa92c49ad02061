"""What a command that works with records needs first: a database that is there, with its tables."""

from pathlib import Path

from django.core.management.base import CommandError
from django.db import DatabaseError, Error, connection
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
        executor = MigrationExecutor(connection)
        is_behind = bool(executor.migration_plan(executor.loader.graph.leaf_nodes()))
    except Error as exc:
        raise CommandError(what_to_do(exc)) from exc
    finally:
        probe.close()
    if is_behind:
        raise CommandError(NO_TABLES)


def what_to_do(exc: Error) -> str:
    """The sentence for a database that cannot be used."""
    reason = " ".join(str(exc).split())
    if reason == SQLITE_FINDS_NONE and Path(connection.settings_dict["NAME"]).parent.is_dir():
        return NO_TABLES
    if type(exc) is DatabaseError:  # SQLite's word for a damaged file; a class below it says what else is wrong
        return f'The database cannot be read: see "Back up and restore" in docs/operations.md ({reason}).'
    return f"The database cannot be reached: start it, or correct DATABASE_URL in .env ({reason})."
