"""One kept HTTP/1.1 connection to a model server or the balancer, whose replies a parser in C reads.

The network has just emptied the caches when a reply comes, and http.client takes 120 calls of cold Python for one. What
lies on top of it takes more, and sends and receives in one call (docs/adr/0010, 0016).
"""

import select
import socket
import time
from http import HTTPStatus
from typing import NamedTuple
from urllib.parse import urlsplit

from httptools import HttpParserError, HttpParserUpgrade, HttpResponseParser

PATH = "/v1/is_online/"
LAST_LOOK_S = 0.05  # for a reply that lies there already when the time is over
_PIECE_BYTES = 65536
MAX_REPLY_BYTES = 1_000_000  # one has 300; what is longer is cut, and then no answer that can be used
FAILURES = (OSError, HttpParserError, HttpParserUpgrade)  # what a connection raises when it is of no more use


class Question(NamedTuple):
    """A picture's bytes, and two names that are fit for a header: the request's, and the balancer's of who is asked."""

    picture: bytes
    request_id: str
    upstream: str


class Connection:
    """Asks about one picture at a time; between send() and receive() its user has time for something else."""

    def __init__(self, url: str, timeout_s: float) -> None:
        """Connect to the host and port of an http URL. Raises: OSError; UnicodeError for a name that cannot be one."""
        where = urlsplit(url)
        self._socket = socket.create_connection((str(where.hostname), where.port or 80), timeout_s)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._poll = select.poll()
        self._poll.register(self._socket, select.POLLIN)
        self._parser = HttpResponseParser(self)  # calls the methods on_…
        self._content, self._is_complete = b"", False
        self.may_be_kept = False
        self._head = (
            f"POST {PATH} HTTP/1.1\r\nHost: {where.netloc}\r\n"
            "Content-Type: application/octet-stream\r\nAccept: application/json\r\n"
        )

    def has_ended(self) -> bool:
        """Whether something lies there to be read; between two requests that can only be its end."""
        return bool(self._poll.poll(0))

    def send(self, question: Question, *, deadline: float) -> None:
        """Ask; the deadline is time.monotonic()'s. Raises: TimeoutError, and what else is in FAILURES."""
        picture, request_id, upstream = question
        rest = f"X-Request-ID: {request_id}\r\nX-Model-Upstream: {upstream}\r\nContent-Length: {len(picture)}\r\n\r\n"
        self._wait_until(deadline)
        self._socket.sendall((self._head + rest).encode("ascii") + picture)

    def receive(self, *, deadline: float) -> tuple[int, bytes]:
        """The reply's status and content; then `may_be_kept` says whether the server goes on listening.

        A reply that is there already is taken, though the deadline be over; its end is told by a length or by chunks.
        Raises: TimeoutError, and what else is in FAILURES.
        """
        self._content, self._is_complete = b"", False
        self.may_be_kept = False
        deadline = max(deadline, time.monotonic() + LAST_LOOK_S)
        while not self._is_complete and len(self._content) <= MAX_REPLY_BYTES:
            self._wait_until(deadline)
            piece = self._socket.recv(_PIECE_BYTES)
            if not piece:
                raise ConnectionResetError("The connection ended before the reply did.")
            self._parser.feed_data(piece)
        return self._parser.get_status_code(), self._content

    def on_body(self, piece: bytes) -> None:
        """The parser has found another piece of the content."""
        self._content += piece

    def on_message_begin(self) -> None:
        """The parser has found a reply's start. Raises: ValueError for one that nobody asked for (then in FAILURES)."""
        if self._is_complete:
            raise ValueError("There are bytes behind the reply.")

    def on_message_complete(self) -> None:
        """The parser has found the end of the reply, or of a word that comes before it (1xx)."""
        if self._parser.get_status_code() < HTTPStatus.OK:
            return
        self._is_complete = True
        self.may_be_kept = self._parser.should_keep_alive()

    def close(self) -> None:
        """Give it up."""
        self._socket.close()

    def _wait_until(self, deadline: float) -> None:
        seconds = deadline - time.monotonic()
        if seconds <= 0:
            raise TimeoutError
        self._socket.settimeout(seconds)
