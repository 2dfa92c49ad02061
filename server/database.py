"""Turns DATABASE_URL into Django's database settings: SQLite by default, PostgreSQL by address."""

from pathlib import Path
from typing import Any

import dj_database_url

# WAL lets readers go on while one writes. With it, NORMAL survives a killed process (not a power cut) without an fsync
# an insert: https://sqlite.org/pragma.html#pragma_synchronous
SQLITE_INIT = "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;"
SQLITE_OPTIONS = {
    "init_command": SQLITE_INIT,
    "transaction_mode": "IMMEDIATE",  # a writer waits at BEGIN instead of failing in the middle
    "timeout": 5,  # seconds to wait for another writer, then 503; far below uwsgi's harakiri
}
POSTGRESQL_OPTIONS = {"connect_timeout": 3}  # seconds; a database that is gone must not hold a worker


def database_settings(url: str, *, default: Path, root: Path) -> dict[str, Any]:
    """One entry of Django's DATABASES; `url` has been checked by read_settings.

    A relative SQLite path lies below `root`, an empty `url` means SQLite at `default`.
    """
    database: dict[str, Any] = dict(dj_database_url.parse(url or f"sqlite:///{default}", conn_health_checks=True))
    options = database.setdefault("OPTIONS", {})
    if database["ENGINE"].endswith("sqlite3"):
        if database["NAME"] != ":memory:":
            database["NAME"] = str(root / database["NAME"])
        return database | {"OPTIONS": SQLITE_OPTIONS | options, "CONN_MAX_AGE": None}
    return database | {"OPTIONS": POSTGRESQL_OPTIONS | options, "CONN_MAX_AGE": 60}
