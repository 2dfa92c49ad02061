"""The project as a whole: commands end in sentences, deployment checks are clean, only JSON is logged."""

import json
import os
import subprocess
import sys
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import pytest
from django.db import connection

from server.database import database_settings
from server.env import HEALTH_HOST, ROOT


def manage(*arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "manage.py", *arguments]
    # Tests with a browser need the first name in this process; Django warns of it.
    inherited = {name: value for name, value in os.environ.items() if name != "DJANGO_ALLOW_ASYNC_UNSAFE"}
    return subprocess.run(
        command, cwd=ROOT, env=inherited | environ, capture_output=True, text=True, check=False, timeout=120
    )


def test_broken_settings_end_a_command_with_sentences() -> None:
    done = manage("check", MAX_IMAGE_BYTES="many", LOG_LEVEL="loud")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == (
        "Correct the settings in .env or the environment: MAX_IMAGE_BYTES must be a whole number from 1024 to "
        "1073741824. LOG_LEVEL must be DEBUG, INFO, WARNING or ERROR.\n"
    )


@pytest.mark.parametrize(("origins", "there"), [("", "False"), ("https://app.example.org", "True")])
def test_origins_are_looked_at_where_some_are_listed(origins: str, there: str) -> None:
    code = "from django.conf import settings; print('corsheaders.middleware.CorsMiddleware' in settings.MIDDLEWARE)"
    done = manage("shell", "--no-imports", "--command", code, CORS_ALLOWED_ORIGINS=origins)
    assert done.stdout == f"{there}\n"


@pytest.mark.parametrize("command", [("create_api_key", "crawler"), ("prune_predictions", "--older-than-days=9")])
@pytest.mark.parametrize(
    ("url", "sentence"),
    [
        ("sqlite:///{folder}/new.db", "The database has not all its tables yet: run make run first, which makes them."),
        (
            "sqlite:///{folder}/absent/db",
            "The database cannot be reached: start it, or correct DATABASE_URL in .env (unable to open database file).",
        ),
        (
            "postgresql://pm@%2Fabsent/pm",
            "The database cannot be reached: start it, or correct DATABASE_URL in .env (*/absent/.s.PGSQL.5432*).",
        ),
    ],
    ids=["before the first start", "no folder", "no server"],
)
def test_command_without_a_database_ends_with_a_sentence(
    tmp_path: Path, command: tuple[str, ...], url: str, sentence: str
) -> None:
    done = manage(*command, DATABASE_URL=url.format(folder=tmp_path))
    assert (done.returncode, done.stdout) == (1, "")
    assert fnmatchcase(done.stderr, f"CommandError: {sentence}\n")
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize(("start", "told"), [(0, "file is not a database"), (4096, "database disk image is malformed")])
def test_command_with_a_damaged_database_names_the_way_back(tmp_path: Path, start: int, told: str) -> None:
    url = f"sqlite:///{tmp_path}/damaged.db"
    assert manage("migrate", DATABASE_URL=url).returncode == 0
    with (tmp_path / "damaged.db").open("r+b") as file:
        file.seek(start)
        file.write(bytes(200_000))
    done = manage("prune_predictions", "--older-than-days=9", DATABASE_URL=url)
    sentence = 'The database cannot be read: see "Back up and restore" in docs/operations.md'
    assert (done.returncode, done.stderr) == (1, f"CommandError: {sentence} ({told}).\n")


def test_database_that_a_command_makes_is_its_owners_only(tmp_path: Path) -> None:
    assert manage("migrate", DATABASE_URL=f"sqlite:///{tmp_path}/new.db").returncode == 0
    assert (tmp_path / "new.db").stat().st_mode & 0o777 == 0o600


def test_deployment_check_is_clean_with_https() -> None:
    done = manage("check", "--deploy", "--fail-level", "WARNING", PUBLIC_HTTPS="true")
    assert (done.returncode, done.stderr) == (0, "")


def test_sqlite_waits_for_writers_and_writes_ahead(tmp_path: Path) -> None:
    database = database_settings("", default=tmp_path / "db.sqlite3", root=tmp_path)
    assert database["NAME"] == str(tmp_path / "db.sqlite3")
    assert database["OPTIONS"]["transaction_mode"] == "IMMEDIATE"
    assert database["OPTIONS"]["init_command"] == "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;"
    assert database_settings("sqlite:///a.db", default=tmp_path, root=tmp_path)["NAME"] == str(tmp_path / "a.db")


def test_postgresql_connections_are_pooled_checked_and_given_up(tmp_path: Path) -> None:
    database = database_settings("postgresql://u:p@h/n?sslmode=require", default=tmp_path, root=tmp_path)
    assert (database["CONN_MAX_AGE"], database["CONN_HEALTH_CHECKS"]) == (0, True)
    assert database["OPTIONS"] == {
        "pool": {"min_size": 1, "max_size": 4, "timeout": 5, "max_idle": 60},
        "connect_timeout": 3,
        "keepalives_idle": 5,
        "tcp_user_timeout": 5000,
        "sslmode": "require",
    }


REQUESTS = """
import json, sys
import server.wsgi
from django.test import Client

client = Client(raise_request_exception=False, headers={"Host": "localhost"})
for arguments in json.load(sys.stdin):
    response = client.generic(**arguments)
    print(json.dumps({"status": response.status_code, "headers": dict(response.headers)}))
"""


def drive(*requests: dict[str, object], **environ: str) -> tuple[list[dict[str, Any]], str]:
    """What a fresh gateway, as uwsgi loads it, writes to stdout and stderr while it answers these requests."""
    done = subprocess.run(
        [sys.executable, "-W", "always::UserWarning", "-c", REQUESTS],
        cwd=ROOT, env=os.environ | environ, input=json.dumps(requests), capture_output=True, text=True, check=False,
        timeout=120,
    )  # fmt: skip
    return [json.loads(line) for line in done.stdout.splitlines()], done.stderr


def test_only_json_lines_are_written_while_requests_are_answered(tmp_path: Path) -> None:
    lines, stderr = drive(
        {"method": "GET", "path": "/healthz"},
        {"method": "GET", "path": "/nowhere"},
        {"method": "GET", "path": "/api/v1/get_pm/"},
        {"method": "POST", "path": "/api/v1/get_pm/", "data": "no JSON"},
        {"method": "GET", "path": "/healthz", "headers": {"Host": "evil.example"}},
        {"method": "GET", "path": "/admin/", "headers": {"Cookie": f"sessionid={'x' * 32}"}},
        {"method": "POST", "path": "/admin/login/", "data": "x=1"},
        {"method": "GET", "path": "/readyz"},
        DATABASE_URL=f"sqlite:///{tmp_path}/unmigrated.db",
        MODEL_SERVERS="127.0.0.1:1,127.0.0.1:2",
    )
    assert stderr == ""
    assert [line["status"] for line in lines if "headers" in line] == [200, 404, 405, 400, 400, 503, 200, 503]
    assert {line["request_id"] for line in lines if "event" in line}.isdisjoint({""})


def test_https_is_asked_of_all_but_balancers_and_for_this_host_name_only(tmp_path: Path) -> None:
    lines, _ = drive(
        {"method": "GET", "path": "/healthz", "headers": {"Host": HEALTH_HOST}},
        {"method": "GET", "path": "/readyz", "headers": {"Host": HEALTH_HOST}},
        {"method": "GET", "path": "/api/docs/"},
        {"method": "GET", "path": "/api/docs/", "headers": {"X-Forwarded-Proto": "https"}},
        PUBLIC_HTTPS="true",
        DATABASE_URL=f"sqlite:///{tmp_path}/unmigrated.db",
        MODEL_SERVERS="127.0.0.1:1,127.0.0.1:2",
    )
    alive, ready, plain, encrypted = (line for line in lines if "headers" in line)
    assert (alive["status"], ready["status"]) == (200, 503)
    assert (plain["status"], plain["headers"]["Location"]) == (301, "https://localhost/api/docs/")
    assert encrypted["headers"]["Strict-Transport-Security"] == "max-age=31536000"
    assert f"uwsgi_param HTTP_HOST {HEALTH_HOST};" in (ROOT / "conf" / "nginx" / "public.conf").read_text()


@pytest.mark.django_db
def test_sqlite_runs_with_the_cheaper_fsync() -> None:
    if connection.vendor != "sqlite":
        pytest.skip("PostgreSQL is tested")
    with connection.cursor() as cursor:
        assert cursor.execute("PRAGMA synchronous").fetchone() == (1,)


SHOW = """
import django, sys
if sys.argv[1] == "request":
    import server.wsgi
django.setup()
from django.db import connection
with connection.cursor() as cursor:
    cursor.execute("SHOW statement_timeout")
    print(cursor.fetchone()[0])
"""


@pytest.mark.django_db  # "make test-postgres" runs what is marked so
@pytest.mark.skipif(connection.vendor != "postgresql", reason="needs PostgreSQL: tests/with_postgres.sh")
@pytest.mark.parametrize(("who", "limit"), [("request", "5s"), ("command", "0")])
def test_sql_of_requests_is_limited_and_of_commands_is_not(who: str, limit: str) -> None:
    environ = os.environ | {"DJANGO_SETTINGS_MODULE": "server.settings"}
    command = [sys.executable, "-c", SHOW, who]
    done = subprocess.run(command, cwd=ROOT, env=environ, capture_output=True, text=True, check=False, timeout=120)
    assert (done.stdout, done.stderr) == (f"{limit}\n", "")


def test_only_migrate_makes_a_database_file(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/absent.db"
    code = "from Pm.models import Photo; Photo.objects.count()"
    serving, command = f"import server.wsgi; {code}", code
    for text, why in ((serving, f"{tmp_path}/absent.db is not there"), (command, "unable to open database file")):
        done = manage("shell", "-c", text, DATABASE_URL=url)
        assert done.stderr.splitlines()[-1] == f"The database cannot be used: {why}."
        assert not (tmp_path / "absent.db").exists()
    assert manage("migrate", "contenttypes", "zero", DATABASE_URL=url).returncode == 0
    assert (tmp_path / "absent.db").exists()
