"""Calls supervisord over its socket."""

from contextlib import closing
from pathlib import Path
from typing import Any
from xmlrpc.client import ServerProxy

from supervisor.xmlrpc import SupervisorTransport


def call(socket: Path, method: str, *arguments: object) -> Any:  # noqa: ANN401 - XML-RPC answers what it answers
    """One call: http://supervisord.org/api.html.

    Raises: OSError when nothing listens on the socket; xmlrpc.client.Fault or ProtocolError when it refuses.
    """
    with closing(SupervisorTransport(None, None, f"unix://{socket}")) as transport:
        return getattr(ServerProxy("http://127.0.0.1", transport).supervisor, method)(*arguments)
