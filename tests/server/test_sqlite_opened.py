"""What the gateway has opened nothing takes the place of, until it is started anew without what was left behind."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from django.db import OperationalError

from server.env import ROOT
from server.sqlite.opened import claim

SERVE = (
    "import sys; from server.sqlite.opened import claim; claim(sys.argv[1], serving=True); print('claimed', flush=True)"
)


@pytest.fixture
def database(tmp_path: Path) -> Path:
    path = tmp_path / "db.sqlite3"
    path.touch()
    return path


@contextmanager
def gateway(database: Path) -> Iterator[str]:
    """A process that serves from it as long as the context lasts; gives what it says first."""
    line = [sys.executable, "-c", f"{SERVE}; input()", str(database)]
    pipe = subprocess.PIPE
    with subprocess.Popen(line, stdin=pipe, stdout=pipe, stderr=pipe, text=True, cwd=ROOT) as process:
        assert process.stdout
        yield process.stdout.readline()
        process.communicate("\n")


def replace(database: Path) -> None:
    (database.parent / "new").touch()
    (database.parent / "new").replace(database)


def test_commands_open_what_the_gateway_serves_from(database: Path) -> None:
    claim(str(database), serving=False)
    assert list(database.parent.iterdir()) == [database]
    for _ in range(2):
        with gateway(database) as one, gateway(database) as another:
            assert (one, another) == ("claimed\n", "claimed\n")
            claim(str(database), serving=False)
        claim(str(database), serving=False)


def test_what_takes_its_place_nobody_opens(database: Path) -> None:
    with gateway(database):
        database.unlink()
        with pytest.raises(OperationalError, match="was deleted or replaced while Pm runs"):
            claim(str(database), serving=False)
        database.touch()
        (database.parent / "taken").touch()  # another inode for sure
        replace(database)
        with pytest.raises(OperationalError, match="was deleted or replaced while Pm runs"):
            claim(str(database), serving=False)
        with gateway(database) as another:
            assert another == ""


def test_a_gateway_that_is_started_anew_takes_what_is_there_then(database: Path) -> None:
    with gateway(database):
        replace(database)
    claim(str(database), serving=False)
    with gateway(database) as anew:
        assert anew == "claimed\n"


def test_what_a_killed_gateway_left_beside_another_file_is_not_applied_to_it(database: Path) -> None:
    with gateway(database):
        pass
    wal = database.with_name("db.sqlite3-wal")
    wal.touch()
    with gateway(database) as same:
        assert same == "claimed\n"
    replace(database)
    with pytest.raises(OperationalError, match="was deleted or replaced while Pm runs"):
        claim(str(database), serving=False)
    with gateway(database) as another:
        assert another == ""
    wal.unlink()
    with gateway(database) as whole:
        assert whole == "claimed\n"
