"""gunicorn's threaded worker, whose threads wait a moment for the next request, and not for ever for its end."""

import select
import socket
import struct
from typing import Any

from gunicorn.workers.gthread import TConn, ThreadWorker

STALLED_S = 10  # without a byte of a request that has begun: its sender is gone, and said nothing
LINGER_MS = 20  # what the gateway and its client take from an answer to the next photo, and some more


class LingeringWorker(ThreadWorker):  # type: ignore[misc] # gunicorn is not typed
    """Spares a busy connection the way through the main thread, and back to one that wakes up (docs/adr/0017)."""

    def init_process(self) -> None:
        """Serve until told to stop."""
        # gunicorn looks up each setting by two calls of Python, 27 times a request; this worker's no longer change.
        self.cfg.__dict__.update({name: setting.get() for name, setting in self.cfg.settings.items()})
        # The kernel's own limit on a read, which connections inherit: gunicorn has none, and holds a thread as long.
        for listener in self.sockets:
            listener.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, struct.pack("@ll", STALLED_S, 0))
        super().init_process()

    def handle(self, conn: TConn) -> Any:  # noqa: ANN401 - gunicorn's own: whether to keep it, or a mark of its own
        """Answer the connection's request, and then each that comes soon enough."""
        while (kept := super().handle(conn)) is True and self.alive and next_comes(conn):
            pass
        return kept


def next_comes(conn: TConn) -> bool:
    """Whether something comes within LINGER_MS; what gunicorn has read already, it looks for itself."""
    if conn.parser.unreader.buf.tell():
        return False
    poll = select.poll()
    poll.register(conn.sock, select.POLLIN)
    return bool(poll.poll(LINGER_MS))
