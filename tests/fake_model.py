"""A model service for tests: a real HTTP server in a thread that answers what a test tells it."""

import contextlib
import json
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
    """What the next requests get: a status and a JSON document or raw bytes, after a delay, or a broken connection."""

    document: Any = field(default_factory=lambda: ANSWER)
    status: int = 200
    delay_s: float = 0.0
    broken: bool = False

    @property
    def content(self) -> bytes:
        return self.document if isinstance(self.document, bytes) else json.dumps(self.document).encode()


class FakeModel:
    """Keeps the requests that it got; `reply` and `ready` are what it answers to POST and GET."""

    def __init__(self) -> None:
        self.reply = Reply()
        self.ready = Reply(READY)
        self.requests: list[tuple[str, dict[str, str], bytes]] = []
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.02,))
        self.thread.start()

    @property
    def port(self) -> int:
        return int(self.server.server_address[1])

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    def stop(self) -> None:
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()


def _handler(model: FakeModel) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            model.requests.append((self.path, dict(self.headers), body))
            self._answer(model.reply)

        def do_GET(self) -> None:
            self._answer(model.ready)

        def _answer(self, reply: Reply) -> None:
            time.sleep(reply.delay_s)
            if reply.broken:
                return
            self.send_response(reply.status)
            self.send_header("Content-Length", str(len(reply.content)))
            self.end_headers()
            self.wfile.write(reply.content)

        def log_message(self, *_: object) -> None: ...

        def handle(self) -> None:
            with contextlib.suppress(BrokenPipeError, ConnectionResetError):  # a test's client did not wait
                super().handle()

    return Handler
