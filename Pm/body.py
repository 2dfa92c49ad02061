"""Reads the request's body as one JSON object, whatever its Content-Type says."""

import codecs
import json
from typing import Any

import orjson
from django.conf import settings
from django.http import UnreadablePostError
from rest_framework.request import Request

from Pm.errors import InvalidRequestError, TooLargeError

BODY_TOO_LARGE = "The body is too large; docs/api.md has the limits."


def read_object(request: Request) -> dict[str, Any]:
    """The body's JSON object; UTF-8, a byte order mark is skipped, the last of equal keys counts.

    Raises: TooLargeError, from Content-Length, before anything is read; InvalidRequestError for anything but an object.
    """
    body = _read(request).removeprefix(codecs.BOM_UTF8)
    try:
        document = orjson.loads(body)
    except ValueError as exc:
        document = _loads_leniently(body, exc)
    if not isinstance(document, dict):
        raise InvalidRequestError("The body must be a JSON object.")
    return document


def _loads_leniently(body: bytes, problem: ValueError) -> Any:  # noqa: ANN401 - JSON is anything
    """What is JSON (RFC 8259) and orjson refuses: halves of surrogate pairs, numbers too large for a double.

    Python's own json.dumps writes such halves for a text that was cut within an emoji; the fields name what is wrong.
    """
    try:
        return json.loads(body.decode(), parse_constant=_refuse)
    except (ValueError, RecursionError):
        raise InvalidRequestError("The body must be a JSON object in UTF-8.") from problem


def _refuse(constant: str) -> None:
    """NaN and Infinity are no JSON."""
    raise ValueError(constant)


def _read(request: Request) -> bytes:
    """Not by HttpRequest.body, which would keep the text of the photo for as long as the model works on it."""
    http = request._request
    if int(http.META.get("CONTENT_LENGTH") or 0) > settings.DATA_UPLOAD_MAX_MEMORY_SIZE:
        raise TooLargeError(BODY_TOO_LARGE)
    try:
        return bytes(http.read())
    except UnreadablePostError as exc:
        raise InvalidRequestError("The body ended before its Content-Length.") from exc
