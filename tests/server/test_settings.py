"""The project as a whole: commands end in sentences, deployment checks are clean, databases are set up."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from django.db import connection

from server.database import database_settings
from server.env import ROOT


def manage(*arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "manage.py", *arguments]
    return subprocess.run(
        command, cwd=ROOT, env=os.environ | environ, capture_output=True, text=True, check=False, timeout=120
    )


def test_broken_settings_end_a_command_with_sentences() -> None:
    done = manage("check", MAX_IMAGE_BYTES="many", LOG_LEVEL="loud")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == (
        "Correct the settings in .env or the environment: MAX_IMAGE_BYTES must be a whole number from 1024 to "
        "1073741824. LOG_LEVEL must be DEBUG, INFO, WARNING or ERROR.\n"
    )


def test_deployment_check_is_clean_with_https() -> None:
    done = manage("check", "--deploy", "--fail-level", "WARNING", PUBLIC_HTTPS="true")
    assert (done.returncode, done.stderr) == (0, "")


def test_sqlite_waits_for_writers_and_writes_ahead(tmp_path: Path) -> None:
    database = database_settings("", default=tmp_path / "db.sqlite3", root=tmp_path)
    assert database["NAME"] == str(tmp_path / "db.sqlite3")
    assert database["OPTIONS"]["transaction_mode"] == "IMMEDIATE"
    assert database["OPTIONS"]["init_command"] == "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;"
    assert database_settings("sqlite:///a.db", default=tmp_path, root=tmp_path)["NAME"] == str(tmp_path / "a.db")


def test_postgresql_connections_are_kept_and_checked(tmp_path: Path) -> None:
    database = database_settings("postgresql://u:p@h/n?sslmode=require", default=tmp_path, root=tmp_path)
    assert (database["CONN_MAX_AGE"], database["CONN_HEALTH_CHECKS"]) == (60, True)
    assert database["OPTIONS"] == {"connect_timeout": 3, "sslmode": "require"}


@pytest.mark.django_db
def test_sqlite_runs_with_the_cheaper_fsync() -> None:
    if connection.vendor != "sqlite":
        pytest.skip("PostgreSQL is tested")
    with connection.cursor() as cursor:
        assert cursor.execute("PRAGMA synchronous").fetchone() == (1,)
