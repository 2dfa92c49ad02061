"""Gives each request an id that every tier's log line and the answer carry."""

import logging
import re
import uuid
from collections.abc import Callable
from contextvars import ContextVar

from django.http import HttpRequest, HttpResponse

_SAFE = re.compile(r"[A-Za-z0-9._-]{1,64}")
_current: ContextVar[str] = ContextVar("request_id", default="")


def current_request_id() -> str:
    """The id of the request that this thread answers; empty outside of one."""
    return _current.get()


class RequestIdMiddleware:
    """Takes X-Request-ID from the client, or makes one where it is absent or unsafe in a log or header.

    What the views read in `request.META["HTTP_X_REQUEST_ID"]` is the safe one. First in MIDDLEWARE.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answer with the id in X-Request-ID."""
        given = request.META.get("HTTP_X_REQUEST_ID", "")
        request_id = given if _SAFE.fullmatch(given) else uuid.uuid4().hex
        request.META["HTTP_X_REQUEST_ID"] = request_id
        token = _current.set(request_id)
        try:
            response = self.get_response(request)
        finally:
            _current.reset(token)
        response["X-Request-ID"] = request_id
        return response


class RequestIdFilter(logging.Filter):
    """Adds the request's id to each log record."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Keep every record."""
        if not hasattr(record, "request_id"):
            record.request_id = current_request_id()
        return True


class TracebackFilter(logging.Filter):
    """Keeps only records that carry a traceback."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether the record says what went wrong and where."""
        return bool(record.exc_info)
