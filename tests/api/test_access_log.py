"""One JSON line a request, on stdout."""

import io
import json
import logging
import logging.config
from collections.abc import Iterator

import pytest
from django.conf import settings
from django.test import Client

from tests.conftest import Change


@pytest.fixture
def lines() -> Iterator[io.StringIO]:
    """What the configured handler writes; the model service's tests configure logging, too."""
    logging.config.dictConfig(settings.LOGGING)
    handler = next(h for h in logging.getLogger().handlers if getattr(h, "formatter", None) and h.name == "stdout")
    assert isinstance(handler, logging.StreamHandler)
    before = handler.setStream(stream := io.StringIO())
    yield stream
    handler.setStream(before)


def test_request_is_one_json_line(client: Client, change: Change, lines: io.StringIO) -> None:
    client.get("/课", headers={"X-Request-ID": "abc"}, REMOTE_ADDR="192.0.2.1")
    (line,) = lines.getvalue().splitlines()
    entry = json.loads(line)
    assert entry.pop("ms") >= 0
    assert entry.pop("time").endswith("+00:00")
    assert entry == {
        "level": "INFO",
        "logger": "api.access",
        "event": "request",
        "method": "GET",
        "path": "/课",
        "status": 404,
        "client": "192.0.2.1",
        "error_code": "not_found",
        "request_id": "abc",
    }
    assert "课" in line


def test_traceback_stays_in_one_line(lines: io.StringIO) -> None:
    try:
        raise RuntimeError("boom")
    except RuntimeError:
        logging.getLogger("django.request").exception("failed")
    (line,) = lines.getvalue().splitlines()
    assert "RuntimeError: boom" in json.loads(line)["exc_info"]
