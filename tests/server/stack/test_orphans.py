"""Workers of a killed nginx are told to end; nobody else is."""

import os
import shutil
import signal
import subprocess
import time
from pathlib import Path

import pytest

from server.stack import orphans


@pytest.fixture
def pid_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.setattr(orphans, "PID_FILE", tmp_path / "nginx.pid")
    return tmp_path / "nginx.pid"


def dead_pid() -> int:
    """The pid of a process that has just ended."""
    child = subprocess.Popen(["true"])
    child.wait()
    return child.pid


def test_without_a_pid_file_or_with_a_living_master_nothing_is_ended(pid_file: Path) -> None:
    assert orphans.end_orphans() == []
    pid_file.write_text(str(os.getpid()))
    assert orphans.end_orphans() == []
    pid_file.write_text("nonsense")
    assert orphans.end_orphans() == []


def test_only_the_dead_masters_group_is_ended(pid_file: Path) -> None:
    pid_file.write_text(str(dead_pid()))
    assert orphans.end_orphans() == []


def test_the_workers_of_a_killed_nginx_are_ended(pid_file: Path, tmp_path: Path) -> None:
    conf = tmp_path / "nginx.conf"
    paths = "".join(
        f"{name}_temp_path {tmp_path}/{name};" for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    listen = f"server {{ listen unix:{tmp_path}/s; }}"
    conf.write_text(
        f"worker_processes 2; pid {pid_file}; error_log stderr; events {{}} http {{ access_log off; {paths} {listen} }}"
    )
    nginx = shutil.which("nginx", path=os.environ["PATH"] + ":/usr/sbin")
    assert nginx
    command = [nginx, "-e", "stderr", "-p", str(tmp_path), "-c", str(conf), "-g", "daemon off;"]
    master = subprocess.Popen(command, start_new_session=True)
    while not (pid_file.exists() and pid_file.read_text().strip()) or len(group(master.pid)) < 3:
        time.sleep(0.02)
        assert master.poll() is None
    workers = group(master.pid) - {master.pid}
    os.kill(master.pid, signal.SIGKILL)
    master.wait()
    assert set(orphans.end_orphans()) == workers
    assert not any(orphans.group_of(pid) == master.pid for pid in orphans.nginx_pids())


def group(leader: int) -> set[int]:
    """The nginx processes of one group."""
    return {pid for pid in orphans.nginx_pids() if orphans.group_of(pid) == leader}
