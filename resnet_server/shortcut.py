"""Answers what the gateway asks, past Flask: its contexts, hooks, routes and responses take 220 calls of Python.

They would begin with caches that the network has just emptied (docs/adr/0019). All else, and every refusal, is Flask's.
"""

import json
import time
from collections.abc import Callable, Iterable
from typing import Any

from flask import Flask

from resnet_server.answers import JSON, answer, facts_of, note, request_id_of
from resnet_server.image_source import read_length

# In the environ of what Flask shall refuse: the exception, and time.perf_counter() at the start.
FAILURE, STARTED = "pm.failure", "pm.started"
# What the gateway's requests have (Pm/connection.py), as PEP 3333 names it, besides a length.
GATEWAYS = {
    "REQUEST_METHOD": "POST",
    "PATH_INFO": "/v1/is_online/",
    "CONTENT_TYPE": "application/octet-stream",
    "HTTP_ACCEPT": JSON,
}


class Shortcut:
    """WSGI middleware, as Flask's documentation has it: `app.wsgi_app = Shortcut(app)`."""

    def __init__(self, app: Flask) -> None:
        self._app = app
        self._flask = app.wsgi_app

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        """Answer one request."""
        length = environ.get("CONTENT_LENGTH", "")
        if not length.isdecimal() or any(environ.get(name) != value for name, value in GATEWAYS.items()):
            return self._flask(environ, start_response)
        started = time.perf_counter()
        try:
            picture = read_length(environ, int(length), self._app.config["MAX_CONTENT_LENGTH"])
            document = answer(self._app.config, picture)
        except Exception as exc:  # noqa: BLE001 - routes.is_online raises it, and app.py renders it as any other
            environ |= {FAILURE: exc, STARTED: started}
            return self._flask(environ, start_response)
        request_id = request_id_of(environ.get("HTTP_X_REQUEST_ID", ""))
        line = {"method": "POST", "path": GATEWAYS["PATH_INFO"], "status": 200, "request_id": request_id}
        note(self._app.logger, line | facts_of(document), started=started, is_counted=True)
        content = json.dumps(document).encode()
        headers = [("Content-Type", JSON), ("Content-Length", str(len(content))), ("X-Request-ID", request_id)]
        start_response("200 OK", headers)
        return [content]
