"""A model service for tests: a real HTTP server in a thread that answers what a test tells it."""

import contextlib
import json
import socket
import threading
import time
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

ANSWER: dict[str, Any] = {
    "result": 0,
    "label": "offline",
    "score": 0.98731,
    "model_version": "default-0a1b2c3d",
    "image": {"format": "PNG", "width": 640, "height": 480},
    "ms": {"queue": 0.1, "preprocess": 4.2, "inference": 20.3},
}
READY = {"status": "ready", "model_version": "default-0a1b2c3d"}


@dataclass
class Reply:
    """What the next requests get: a status and a JSON document or raw bytes; a broken connection; or nothing, ever."""

    document: Any = field(default_factory=lambda: ANSWER)
    status: int = 200
    broken: bool = False
    silent: bool = False
    headers: dict[str, str] = field(default_factory=dict)

    @property
    def content(self) -> bytes:
        return self.document if isinstance(self.document, bytes) else json.dumps(self.document).encode()


class FakeModel:
    """Keeps the requests that it got and counts connections; `reply` and `ready` are its answers to POST and GET."""

    def __init__(self) -> None:
        self.reply = Reply()
        self.ready = Reply(READY)
        self.requests: list[tuple[str, dict[str, str], bytes]] = []
        self.connections = 0
        self.open: list[socket.socket] = []
        self.stopped = threading.Event()
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (Handler,), {"model": self}))
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.02,))
        self.thread.start()

    @property
    def port(self) -> int:
        return int(self.server.server_address[1])

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    def hang_up(self) -> None:
        """Close the connections that were kept, as a server does that restarts, and wait until that is through."""
        for connection in self.open:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        time.sleep(0.05)

    def stop(self) -> None:
        self.stopped.set()
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()


class Handler(BaseHTTPRequestHandler):
    """Speaks HTTP for one FakeModel."""

    model: FakeModel
    protocol_version = "HTTP/1.1"  # keeps connections

    def setup(self) -> None:
        self.model.connections += 1
        self.model.open.append(self.request)
        super().setup()

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.model.requests.append((self.path, dict(self.headers), body))
        self._answer(self.model.reply)

    def do_GET(self) -> None:
        self._answer(self.model.ready)

    def _answer(self, reply: Reply) -> None:
        if reply.silent:
            self.model.stopped.wait()
        if reply.silent or reply.broken:
            self.close_connection = True
            return
        self.send_response(reply.status)
        self.send_header("Content-Length", str(len(reply.content)))
        for name, value in reply.headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(reply.content)

    def log_message(self, *_: object) -> None: ...

    def handle(self) -> None:
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):  # a test's client did not wait
            super().handle()
