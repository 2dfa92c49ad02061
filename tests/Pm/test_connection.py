"""One HTTP connection: replies in every form that a server may give them, and ends that are no reply."""

import contextlib
import socket
import threading
import time
from collections.abc import Iterator

import pytest

from Pm.connection import FAILURES, MAX_REPLY_BYTES, Connection, Question

QUESTION = Question(b"\x00picture\xff", "id-1", "stable")
SOON_S = 5.0


class Server:
    """Accepts one connection; answers each request with the next of `replies`, piece by piece, then ends it."""

    def __init__(self) -> None:
        self.replies: list[list[bytes]] = []
        self.heard = b""
        self.ends = False  # after its first reply
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self.socket.getsockname()[1]}"
        self.thread = threading.Thread(target=self._serve, daemon=True)
        self.thread.start()

    def _serve(self) -> None:
        connection, _ = self.socket.accept()
        with connection, contextlib.suppress(OSError):  # a test may have heard enough
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            while True:
                heard = b""
                while not heard.endswith(QUESTION.picture):
                    if not (piece := connection.recv(65536)):
                        return
                    heard += piece
                self.heard += heard
                if not self.replies:
                    return
                for piece in self.replies.pop(0):
                    connection.sendall(piece)
                    time.sleep(0.01)
                if self.ends:
                    return


@pytest.fixture
def server() -> Iterator[Server]:
    server = Server()
    yield server
    server.socket.close()


@pytest.fixture
def connection(server: Server) -> Iterator[Connection]:
    connection = Connection(server.url, SOON_S)
    yield connection
    connection.close()


def ask(connection: Connection, within_s: float = SOON_S) -> tuple[int, bytes]:
    deadline = time.monotonic() + within_s
    connection.send(QUESTION, deadline=deadline)
    return connection.receive(deadline=deadline)


def test_the_request_says_what_it_asks_about_and_for_whom(server: Server, connection: Connection) -> None:
    server.replies = [[b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"]]
    ask(connection)
    head, _, body = server.heard.partition(b"\r\n\r\n")
    assert body == QUESTION.picture
    assert head.decode().split("\r\n") == [
        "POST /v1/is_online/ HTTP/1.1",
        f"Host: {server.url.removeprefix('http://')}",
        "Content-Type: application/octet-stream",
        "Accept: application/json",
        "X-Request-ID: id-1",
        "X-Model-Upstream: stable",
        f"Content-Length: {len(QUESTION.picture)}",
    ]


@pytest.mark.parametrize(
    "pieces",
    [
        [b"HTTP/1.1 404 Gone\r\nContent-Length: 5\r\n\r\nabcde"],
        [b"HTTP/1.1 404 Go", b"ne\r\nConten", b"t-Length: 5\r\n\r", b"\nab", b"cde"],
        [b"HTTP/1.1 404 Gone\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n", b"3\r\ncde\r\n0\r\n\r\n"],
    ],
    ids=["at once", "in pieces", "chunked"],
)
def test_a_reply_is_read_whole_and_the_next_on_the_same_connection(
    server: Server, connection: Connection, pieces: list[bytes]
) -> None:
    server.replies = [pieces, [b"HTTP/1.1 204 No Content\r\n\r\n"]]
    assert ask(connection) == (404, b"abcde")
    assert connection.may_be_kept
    assert not connection.has_ended()
    assert ask(connection) == (204, b"")


@pytest.mark.parametrize(
    "head",
    [
        b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\n",
        b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\n",
    ],
)
def test_a_server_that_will_hear_no_more_is_not_asked_again(
    server: Server, connection: Connection, head: bytes
) -> None:
    server.replies = [[head + b"{}"]]
    assert ask(connection) == (200, b"{}")
    assert not connection.may_be_kept


def test_a_reply_without_end_is_not_read_to_its_end(server: Server, connection: Connection) -> None:
    server.replies = [[b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"]]
    assert ask(connection) == (200, b"{}")
    server.replies = [[b"HTTP/1.1 200 OK\r\nContent-Length: 1000000000000\r\n\r\n", b" " * 3_000_000]]
    status, content = ask(connection)
    assert status == 200
    assert MAX_REPLY_BYTES < len(content) < 2 * MAX_REPLY_BYTES
    assert not connection.may_be_kept


@pytest.mark.parametrize(
    "replies",
    [
        [],
        [[b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nab"]],
        [[b"SSH-2.0-OpenSSH_9.2\r\n"]],
        [[b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n"]],
        [[b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nabc"]],
        [[b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}" * 2]],
        [[b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}HTTP/1.1 200 OK"]],
    ],
    ids=["nothing", "cut short", "no HTTP", "another protocol", "two lengths", "two replies", "more than a reply"],
)
def test_what_is_no_reply_is_a_failure(server: Server, connection: Connection, replies: list[list[bytes]]) -> None:
    server.replies, server.ends = replies, True
    with pytest.raises(FAILURES) as caught:
        ask(connection)
    assert not isinstance(caught.value, TimeoutError)


@pytest.mark.parametrize("early", [b"HTTP/1.1 100 Continue\r\n\r\n", b"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n"])
@pytest.mark.parametrize("is_split", [True, False])
def test_a_word_before_the_reply_is_not_the_reply(
    server: Server, connection: Connection, early: bytes, is_split: bool
) -> None:
    reply = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"
    server.replies = [[early, reply] if is_split else [early + reply], [reply]]
    assert ask(connection) == (200, b"{}")
    assert ask(connection) == (200, b"{}")


def test_a_server_that_reads_nothing_is_not_waited_for_beyond_the_deadline() -> None:
    with socket.create_server(("127.0.0.1", 0)) as deaf:
        connection = Connection(f"http://127.0.0.1:{deaf.getsockname()[1]}", SOON_S)
        with pytest.raises(TimeoutError):
            connection.send(Question(bytes(64 * 2**20), "id", "prod"), deadline=time.monotonic() + 0.1)
        connection.close()


def test_a_connection_that_the_server_ended_has_ended(server: Server, connection: Connection) -> None:
    assert not connection.has_ended()
    server.replies = []
    connection.send(QUESTION, deadline=time.monotonic() + SOON_S)
    server.thread.join(SOON_S)
    assert connection.has_ended()


def test_a_reply_that_comes_drop_by_drop_is_not_waited_for_beyond_the_deadline(
    server: Server, connection: Connection
) -> None:
    server.replies = [[b"HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n", *[b"x"] * 1000]]
    start = time.monotonic()
    with pytest.raises(TimeoutError):
        ask(connection, within_s=0.1)
    assert time.monotonic() - start < SOON_S
