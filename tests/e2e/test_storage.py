"""The database goes, the disk is full, the pictures' folder is read-only: nothing is answered that is not on record."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import requests

from tests.e2e.stack import (
    SAMPLE,
    Stack,
    code_of,
    copy_checkout,
    environment,
    free_ports,
    sigkill,
    wait_for,
)
from tests.pictures import encode, screen

pytestmark = pytest.mark.e2e
as_root = pytest.mark.skipif(os.geteuid() != 0, reason="mounting needs root")


@contextmanager
def mounted(folder: Path, options: str) -> Iterator[None]:
    """A file system of its own in memory."""
    folder.mkdir(parents=True, exist_ok=True)
    done = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", options, "tmpfs", folder], capture_output=True, text=True, check=False
    )
    if done.returncode:
        pytest.skip(f"this machine lets nobody mount: {done.stderr.strip()}")
    try:
        yield
    finally:
        subprocess.run(["umount", "--lazy", folder], check=True)


def refused(stack: Stack, image: bytes = SAMPLE) -> tuple[int, str]:
    reply = stack.post(image)
    return reply.status_code, "" if reply.ok else code_of(reply)


def refusal(stack: Stack) -> str:
    """What a command says that cannot use the database: one sentence."""
    done = stack.run("python", "manage.py", "model_status", check=False)
    assert done.returncode == 1
    (sentence,) = done.stderr.splitlines()
    return sentence


def test_a_database_that_is_deleted_and_put_back_is_used_by_a_gateway_that_is_started_anew(own: Stack) -> None:
    database = own.root / "var/db.sqlite3"
    for number in range(20):  # connections in many threads
        assert own.post(image_id=f"before-{number}").status_code == 200
    own.run("python", "manage.py", "backup", "../backup")
    assert own.post(image_id="lost").status_code == 200
    database.unlink()
    assert {refused(own) for _ in range(20)} == {(503, "storage_unavailable")}
    ready = requests.get(f"{own.url}/readyz", timeout=10)
    assert (ready.status_code, code_of(ready)) == (503, "storage_unavailable")
    assert refused(own, b"no picture") == (400, "invalid_image")
    assert f"{database} was deleted or replaced while Pm runs" in refusal(own)
    assert not database.exists()  # a refusal is recorded, too: nothing may make an empty file
    shutil.copy(own.root.parent / "backup/db.sqlite3", database)
    sigkill(*own.children("main_server"))  # the next ones open nothing either
    wait_for(lambda: refused(own) == (503, "storage_unavailable"))
    assert f"{database} was deleted or replaced while Pm runs" in refusal(own)
    assert {refused(own) for _ in range(20)} == {(503, "storage_unavailable")}
    own.ctl("stop", "main_server")
    for path in database.parent.glob("db.sqlite3*"):
        path.unlink()
    shutil.copy(own.root.parent / "backup/db.sqlite3", database)
    own.ctl("start", "main_server")
    own.wait_ready()
    assert {refused(own) for _ in range(20)} == {(200, "")}
    assert own.sql("select count(*) from Pm_prediction where result <> ''") == [(20 + 1 + 20,)]  # the start's sample
    assert own.sql("pragma integrity_check") == [("ok",)]


@as_root
def test_a_full_disk_answers_nothing_and_ends_no_process(tmp_path: Path) -> None:
    ports = free_ports(4)
    root = copy_checkout(tmp_path / "pm")
    stack = Stack(root, f"http://127.0.0.1:{ports[0]}", environment(ports, GATEWAY_PROCESSES="2"), {})
    with mounted(root / "var", "size=64m"):
        try:
            stack.run("python", "-m", "server.stack", "up")
            workers = {name: stack.children(name) for name in stack.states()}
            fill(root / "var/filler")
            pictures = [encode(screen(64, 48 + number)) for number in range(20)]
            answers = [refused(stack, picture) for picture in pictures]
            assert set(answers) == {(503, "storage_unavailable")}
            assert requests.get(f"{stack.url}/healthz", timeout=10).status_code == 200
            (root / "var/filler").unlink()
            assert {refused(stack, picture) for picture in pictures} == {(200, "")}
            assert {name: stack.children(name) for name in stack.states()} == workers
            assert not [path for path in (root / "var/media").rglob(".*") if path.is_file()]
            assert stack.sql("select count(*) from Pm_prediction where result <> ''") == [(1 + 20,)]
        finally:
            stack.run("python", "-m", "server.stack", "down", check=False)


def fill(path: Path) -> None:
    """Take every byte of the disk."""
    with path.open("wb", buffering=0) as file:
        try:
            while file.write(bytes(4096)):
                pass
        except OSError:
            return


@as_root
def test_a_read_only_media_folder_answers_nothing_and_recovers_by_itself(own: Stack) -> None:
    assert own.post().status_code == 200
    with mounted(own.root / "var/media", "ro,size=1m"):
        assert refused(own) == (503, "storage_unavailable")
        assert requests.get(f"{own.url}/readyz", timeout=10).status_code == 200
        rows = own.sql("select error_code, result from Pm_prediction order by id desc limit 1")
        assert rows == [("storage_unavailable", "")]
    wait_for(lambda: own.post().status_code == 200)
