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
# A database that is gone or stuck must not hold a worker: each wait ends in 503 storage_unavailable. SQL itself is
# limited in wsgi.py, for requests only. https://www.postgresql.org/docs/current/libpq-connect.html
POSTGRESQL_OPTIONS = {
    # Opened by a process's first query, so after uwsgi's fork. Four a process: an insert takes a millisecond, and
    # PostgreSQL's default is 100 for all; the fifth waits these 5 seconds. Idle ones are closed soon: after a restart
    # of the database, the pool waits 1, 2, 4… seconds between dead connections before it gives a request a new one.
    "pool": {"min_size": 1, "max_size": 4, "timeout": 5, "max_idle": 60},
    "connect_timeout": 3,  # seconds
    "keepalives_idle": 5,  # seconds of silence until the other side is asked whether it is there
    "tcp_user_timeout": 5000,  # milliseconds until what it does not acknowledge ends the connection
}


def database_settings(url: str, *, default: Path, root: Path) -> dict[str, Any]:
    """One entry of Django's DATABASES; `url` has been checked by read_settings.

    A relative SQLite path lies below `root`, an empty `url` means SQLite at `default`.
    """
    database: dict[str, Any] = dict(dj_database_url.parse(url or f"sqlite:///{default}", conn_health_checks=True))
    options = database.setdefault("OPTIONS", {})
    if database["ENGINE"].endswith("sqlite3"):
        if database["NAME"] != ":memory:":
            database["NAME"] = str(root / database["NAME"])
        ours = {"ENGINE": "server.sqlite", "OPTIONS": SQLITE_OPTIONS | options, "CONN_MAX_AGE": None}
        return database | ours | {"TEST": {"NAME": ":memory:"}}  # pytest-django knows so of Django's own engine only
    return database | {"OPTIONS": POSTGRESQL_OPTIONS | options, "CONN_MAX_AGE": 0}  # the pool keeps them
