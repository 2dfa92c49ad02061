"""Where a request's picture comes from: its body, or a file under the one configured root."""

from pathlib import Path
from typing import Any

from flask import Request
from werkzeug.exceptions import BadRequest, ClientDisconnected, RequestEntityTooLarge

from resnet_server.errors import InvalidRequestError, TooLargeError


def read_image(request: Request, root: Path, max_bytes: int) -> bytes:
    """The picture's bytes: the body itself, or with Content-Type application/json the file that image_path names.

    Raises: InvalidRequestError, TooLargeError; werkzeug's RequestEntityTooLarge for a body above max_bytes.
    """
    if request.mimetype != "application/json":
        return read_body(request, max_bytes)
    try:
        body = request.get_json()
    except (BadRequest, RecursionError) as exc:
        raise InvalidRequestError('The body is not JSON; send {"image_path": "..."} or the image\'s bytes.') from exc
    if not isinstance(body, dict) or not isinstance(body.get("image_path"), str):
        raise InvalidRequestError("image_path must be a string.", field="image_path")
    return read_file(body["image_path"], root, max_bytes)


def read_body(request: Request, max_bytes: int) -> bytes:
    """The body as it came, whether it says its length before or comes in chunks.

    Raises: werkzeug's RequestEntityTooLarge above max_bytes, and its ClientDisconnected for what is cut off.
    """
    if length := request.content_length:
        return read_length(request.environ, length, max_bytes)
    data = request.get_data(cache=False)
    # Of chunks get_data() takes max_bytes, and does not look whether there are more.
    if len(data) == max_bytes and request.environ["wsgi.input"].read(1):
        raise RequestEntityTooLarge
    return data


def read_length(environ: dict[str, Any], length: int, max_bytes: int) -> bytes:
    """A body of this length in one piece, from gunicorn itself: Werkzeug's stream copies it twice more.

    Raises: as read_body.
    """
    if length > max_bytes:
        raise RequestEntityTooLarge
    try:
        data: bytes = environ["wsgi.input"].read(length)
    except OSError as exc:
        raise ClientDisconnected from exc
    if len(data) < length:
        raise ClientDisconnected
    return data


def read_file(image_path: str, root: Path, max_bytes: int) -> bytes:
    """The bytes of a regular file inside `root`, symbolic links and `..` resolved first.

    Raises: InvalidRequestError, the same for what is absent and for what is outside; TooLargeError above max_bytes.
    """
    refusal = InvalidRequestError("image_path must name a file inside the configured image root.", field="image_path")
    try:
        path = (root / image_path).resolve(strict=True)
        if not path.is_relative_to(root) or not path.is_file():
            raise refusal
        if path.stat().st_size > max_bytes:
            raise TooLargeError(f"The image has more than {max_bytes} bytes.", field="image_path")
        return path.read_bytes()
    except (OSError, ValueError, RuntimeError) as exc:  # absent, unreadable, a NUL in the name, a loop of links
        raise refusal from exc
