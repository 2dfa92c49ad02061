"""Runs every command of docs/operations.md, as it stands there, on a checkout of its own."""

import os
import re
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest

from tests.e2e.stack import ROOT, Load, Stack, copy_checkout, environment, free_ports, wait_for
from tests.pictures import encode, screen
from tests.tiny_model import write_artifact

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(900)]
BLOCK = re.compile(r"^```sh ?(?P<kind>[a-z ]*)\n(?P<commands>.*?)^```$", re.MULTILINE | re.DOTALL)
TEXT = (ROOT / "docs/operations.md").read_text(encoding="utf-8")
KINDS = {"", "postgresql", "root logrotate", "root systemd"}


def blocks(kind: str) -> list[str]:
    """The commands of each block of a kind, in their order."""
    return [match["commands"] for match in BLOCK.finditer(TEXT) if match["kind"] == kind]


@dataclass
class Runbook:
    """A checkout with a virtual environment and a git remote, and what the document's examples stand for here."""

    stack: Stack
    words: dict[str, str]

    def run(self, commands: str) -> str:
        """Run a block as a person would, stopping at the first command that fails."""
        for word, meaning in self.words.items():
            commands = re.sub(rf"\b{re.escape(word)}\b", meaning, commands)
        return self.stack.run("bash", "-euo", "pipefail", "-c", commands).stdout


def make_virtual_environment(root: Path) -> None:
    """One that make takes for complete: this interpreter's, under the checkout's own path."""
    (root / ".venv").mkdir()
    for name in ("bin", "lib"):
        (root / ".venv" / name).symlink_to(Path(sys.prefix) / name)
    shutil.copy(Path(sys.prefix) / "pyvenv.cfg", root / ".venv")
    for stamp in (".made", ".runtime", ".dev"):
        (root / ".venv" / stamp).touch()


def make_git_remote(root: Path, remote: Path) -> None:
    """So that git pull has where to pull from."""
    git = ["git", "-c", "user.name=Pm", "-c", "user.email=pm@example.org", "-c", "init.defaultBranch=main"]
    for command in (
        ["init", "--quiet"],
        ["add", "--all", "."],
        ["commit", "--quiet", "--message", "release"],
        ["clone", "--quiet", "--bare", ".", str(remote)],
        ["remote", "add", "origin", str(remote)],
        ["fetch", "--quiet", "origin"],
        ["branch", "--quiet", "--set-upstream-to=origin/main"],
    ):
        subprocess.run([*git, *command], cwd=root, check=True, capture_output=True)


@pytest.fixture
def runbook(tmp_path: Path) -> Iterator[Runbook]:
    root = copy_checkout(tmp_path / "pm")
    shutil.copy(ROOT / "Makefile", root)
    shutil.copy(ROOT / ".gitignore", root)
    shutil.copytree(ROOT / "requirements", root / "requirements")
    make_git_remote(root, tmp_path / "remote.git")
    make_virtual_environment(root)
    public, internal, model1, model2, third = free_ports(5)
    env = environment([public, internal, model1, model2])
    settings = {name: env.pop(name) for name in ("PUBLIC_PORT", "INTERNAL_PORT", "MODEL_SERVERS")}
    (root / ".env").write_text("".join(f"{name}={value}\n" for name, value in settings.items()))
    write_artifact(tmp_path / "artifact", version="from-the-runbook")
    write_artifact(tmp_path / "candidate", version="candidate")
    for label in ("offline", "online"):
        (tmp_path / "canary-set" / label).mkdir(parents=True)
        (tmp_path / "canary-set" / label / "1.png").write_bytes(encode(screen(64, 48)))
    ports = {"public": public, "internal": internal, "model1": model1, "model2": model2}
    stack = Stack(root, f"http://127.0.0.1:{public}", env, ports)
    words = {
        "10.0.0.7:5005": f"127.0.0.2:{third}",
        "8087": str(public),
        "8086": str(internal),
        "5005": str(model1),
        "5006": str(model2),
        "ARTIFACT": str(tmp_path / "artifact"),
        "CANDIDATE": str(tmp_path / "candidate"),
        "DIR": str(tmp_path / "canary-set"),
        "VERSION": "from-the-runbook",
    }
    yield Runbook(stack, words)
    stack.run("python", "-m", "server.stack", "down", check=False)


def test_every_block_of_commands_is_of_a_kind_that_a_test_runs() -> None:
    kinds = [match["kind"] for match in BLOCK.finditer(TEXT)]
    assert set(kinds) == KINDS
    assert len(kinds) == TEXT.count("```sh") == TEXT.count("```") // 2 - 1  # the report of a canary is no command


def test_every_command_for_the_user_who_runs_pm_works(runbook: Runbook) -> None:
    said = [runbook.run(commands) for commands in blocks("")]
    together = "\n".join(said)
    assert "from-the-runbook is active." in together
    assert "candidate is active." in together
    assert re.search(r'"request_id": ?"find-me-1"', together)  # nginx writes no blank, Python does
    assert "127.0.0.2:" in together
    assert re.search(r"wrote .*pm-backup/db.sqlite3", together)
    assert "resnet_server2 is new, ready after" in together
    runbook.stack.wait_ready()
    rows = runbook.stack.sql("select count(*) from Pm_prediction where request_id = 'find-me-1'")
    assert rows == [(1,)]  # it was restored with the backup
    assert runbook.stack.post().status_code == 200


def test_a_backup_under_load_is_whole_and_goes_back(runbook: Runbook, tmp_path: Path) -> None:
    stack = runbook.stack
    stack.run("python", "-m", "server.stack", "up")
    with Load(stack, clients=3) as load:
        load.wait_for_answers(10)
        stack.run("python", "manage.py", "backup", "../backup")
        load.wait_for_answers(10)
        said = stack.run("python", "manage.py", "backup", "../backup").stdout
    assert load.failures == []
    assert "media: 0 new files" in said
    backup = tmp_path / "backup"
    with sqlite3.connect(backup / "db.sqlite3") as copy:
        count, hashes = copy.execute("select count(*), count(distinct content_sha256) from Pm_prediction").fetchone()
    assert 20 <= count <= len(load.answers) + 1
    assert hashes == len([path for path in (backup / "media").rglob("*") if path.is_file()])
    assert (backup / "secret_key").read_bytes() == (stack.root / "var/secret_key").read_bytes()
    assert {path.stat().st_mode & 0o077 for path in backup.rglob("*") if path.is_file()} == {0}
    inside = stack.run("python", "manage.py", "backup", "var/backup", check=False)
    assert inside.returncode == 1
    assert "name another folder" in inside.stderr


def test_the_commands_for_postgresql_bring_back_what_was_there(runbook: Runbook) -> None:
    url = os.environ.get("DATABASE_URL")
    if not url:
        pytest.skip("no PostgreSQL here: tests/with_postgres.sh sets DATABASE_URL")
    runbook.stack.env["DATABASE_URL"] = url
    runbook.stack.run("python", "-m", "server.stack", "up")
    assert runbook.stack.post(image_id="kept").status_code == 200
    (commands,) = blocks("postgresql")
    backup, restore = commands.split("\n", 1)
    runbook.run(backup)
    with psycopg.connect(url) as connection:
        connection.execute("""delete from "Pm_prediction" """)
    runbook.run(restore)
    with psycopg.connect(url) as connection:
        rows = connection.execute("""select count(*) from "Pm_prediction" where image_id = 'kept' """).fetchone()
    assert rows == (1,)


def test_the_systemd_unit_is_right(runbook: Runbook, tmp_path: Path) -> None:
    if not shutil.which("systemd-analyze"):
        pytest.skip("no systemd-analyze on this machine")
    (commands,) = blocks("root systemd")
    tried = [
        line for line in commands.splitlines() if not line.startswith("systemctl ")
    ]  # which needs a running systemd
    assert len(tried) == len(commands.splitlines()) - 2
    unit = str(tmp_path / "pm.service")
    runbook.run("\n".join(tried).replace("/etc/systemd/system/pm.service", unit))
    text = Path(unit).read_text()
    assert "/srv/pm" not in text
    assert f"User={runbook.stack.root.owner()}\n" in text


def test_the_start_reload_and_stop_of_the_systemd_unit_work(runbook: Runbook) -> None:
    unit = (runbook.stack.root / "conf/systemd/pm.service").read_text().replace("/srv/pm", str(runbook.stack.root))
    commands = dict(re.findall(r"^(Exec\w+|PIDFile)=(.*)$", unit, re.MULTILINE))
    runbook.run(commands["ExecStart"])
    assert int(Path(commands["PIDFile"]).read_text()) == int(runbook.stack.ctl("pid"))
    runbook.run(commands["ExecReload"])
    assert runbook.stack.post().status_code == 200
    runbook.run(commands["ExecStop"])
    assert not Path(commands["PIDFile"]).exists()


def test_logrotate_loses_no_line(runbook: Runbook, tmp_path: Path) -> None:
    if not shutil.which("logrotate", path="/usr/sbin:/usr/bin"):
        pytest.skip("no logrotate on this machine")
    stack = runbook.stack
    stack.run("python", "-m", "server.stack", "up")
    (commands,) = blocks("root logrotate")
    configuration = str(tmp_path / "pm.logrotate")
    mine = commands.replace("/etc/logrotate.d/pm", configuration)
    current = stack.root / "log/main_server_out.log"
    with Load(stack, clients=2) as load:
        wait_for(lambda: "get_pm" in current.read_text())  # an empty log is not rotated
        runbook.run(mine.replace("logrotate --", f"/usr/sbin/logrotate --state {tmp_path}/state --"))
        wait_for(current.exists)
        load.wait_for_answers(20)
    (renamed,) = (stack.root / "log").glob("main_server_out.log-*")

    def logged(path: Path) -> list[str]:
        return [event["request_id"] for event in stack.log(path.name) if event.get("path") == "/api/v1/get_pm"]

    recorded = sorted(request_id for (request_id,) in stack.sql("select request_id from Pm_prediction"))
    assert len(recorded) >= len(load.answers)
    # a line comes up to half a second after its answer
    wait_for(lambda: len(logged(renamed) + logged(current)) >= len(recorded))
    assert logged(renamed)
    assert logged(current)
    assert sorted(logged(renamed) + logged(current)) == recorded
