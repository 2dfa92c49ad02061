"""Reads the request's body as one JSON object, whatever its Content-Type says."""

import codecs
from typing import Any

import orjson
from django.core.exceptions import RequestDataTooBig
from django.http import UnreadablePostError
from rest_framework.request import Request

from Pm.errors import InvalidRequestError, TooLargeError

BODY_TOO_LARGE = "The body is too large; docs/api.md has the limits."


def read_object(request: Request) -> dict[str, Any]:
    """The body's JSON object; UTF-8, a byte order mark is skipped, the last of equal keys counts.

    Raises: TooLargeError, from Content-Length, before anything is read; InvalidRequestError for anything but an object.
    """
    try:
        document = orjson.loads(_read(request).removeprefix(codecs.BOM_UTF8))
    except ValueError as exc:
        raise InvalidRequestError("The body must be a JSON object in UTF-8.") from exc
    if not isinstance(document, dict):
        raise InvalidRequestError("The body must be a JSON object.")
    return document


def _read(request: Request) -> bytes:
    try:
        return bytes(request._request.body)
    except RequestDataTooBig as exc:
        raise TooLargeError(BODY_TOO_LARGE) from exc
    except UnreadablePostError as exc:
        raise InvalidRequestError("The body ended before its Content-Length.") from exc
