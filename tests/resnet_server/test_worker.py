"""The model server's gunicorn worker: a thread keeps a connection on which requests come soon, and no other."""

import os
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from http.client import HTTPConnection
from pathlib import Path

import pytest

from server.env import ROOT
from tests.e2e.stack import free_ports, wait_for

CONFIG = """
from resnet_server import worker

worker.LINGER_MS = {linger_ms}
worker.STALLED_S = {stalled_s}
worker_class = "resnet_server.worker.LingeringWorker"
threads = {threads}
keepalive = 75
control_socket_disable = True
"""
APPLICATION = """
import threading

def application(environ, start_response):
    environ["wsgi.input"].read()
    name = threading.current_thread().name.encode()
    start_response("200 OK", [("Content-Length", str(len(name)))])
    return [name]
"""
Start = Callable[..., int]
Connect = Callable[[int], HTTPConnection]


def is_listening(port: int) -> bool:
    with socket.socket() as client:
        return client.connect_ex(("127.0.0.1", port)) == 0


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Runs gunicorn, whose application answers with its thread's name; gives the port."""
    processes = []

    def run(**changes: int) -> int:
        (port,) = free_ports(1)
        (tmp_path / "gunicorn.conf.py").write_text(
            CONFIG.format(**{"linger_ms": 60_000, "stalled_s": 60, "threads": 3} | changes)
        )
        (tmp_path / "application.py").write_text(APPLICATION)
        config = str(tmp_path / "gunicorn.conf.py")
        command = [sys.executable, "-m", "gunicorn", "-c", config, "application:application"]
        environment = os.environ | {"PYTHONPATH": f"{ROOT}{os.pathsep}{tmp_path}"}
        processes.append(
            subprocess.Popen([*command, "--bind", f"127.0.0.1:{port}", "--log-level", "error"], env=environment)
        )
        wait_for(lambda: is_listening(port))
        return port

    yield run
    for process in processes:
        process.terminate()
        process.wait(60)


@pytest.fixture
def connect() -> Iterator[Callable[[int], HTTPConnection]]:
    with ExitStack() as stack:
        yield lambda port: stack.enter_context(closing(HTTPConnection("127.0.0.1", port, timeout=60)))


def thread_of(connection: HTTPConnection) -> str:
    connection.request("GET", "/")
    return connection.getresponse().read().decode()


def test_a_thread_answers_what_comes_soon_on_its_connection(start: Start, connect: Connect) -> None:
    port = start()
    one, other = connect(port), connect(port)
    ones, others = zip(*((thread_of(one), thread_of(other)) for _ in range(5)), strict=True)
    assert (len(set(ones)), len(set(others))) == (1, 1)
    assert set(ones) != set(others)


def test_a_silent_connection_is_kept_and_holds_no_thread(start: Start, connect: Connect) -> None:
    port = start(threads=1, linger_ms=1)
    one, other = connect(port), connect(port)
    thread_of(one)
    kept = one.sock
    for _ in range(3):
        assert thread_of(other) == thread_of(one)  # there is one thread
    assert one.sock is kept


@pytest.mark.parametrize("begun", [b"GET / HT", b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nabc"])
def test_a_request_that_does_not_go_on_holds_no_thread_for_ever(start: Start, connect: Connect, begun: bytes) -> None:
    port = start(threads=1, stalled_s=1)
    with socket.create_connection(("127.0.0.1", port), timeout=30) as stalled:
        stalled.sendall(begun)
        assert thread_of(connect(port))  # there is one thread


def test_requests_that_were_sent_at_once_are_answered_at_once(start: Start) -> None:
    """gunicorn has read the second with the first: nothing comes any more that could wake a thread."""
    with socket.create_connection(("127.0.0.1", start()), timeout=30) as client:
        client.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n" * 2)
        answers = b""
        while answers.count(b"HTTP/1.1 200 OK") < 2:
            answers += client.recv(65536)
