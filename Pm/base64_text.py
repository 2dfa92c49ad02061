r"""Decodes image_base64 in every form that clients send; parsed in linear time, never evaluated.

b'…' or b"…"       what the documented client sends: str(bytes), with \n in it from base64.encodebytes
data:…;base64,…    a data URL
plain or URL-safe base64, padded or not, with line breaks or not
"""

import binascii

import pybase64

from Pm.errors import InvalidBase64Error, TooLargeError

FIELD = "image_base64"
_STANDARD_ALPHABET = bytes.maketrans(b"-_", b"+/")
_WHITESPACE = b" \t\r\n\v\f"


def decode_base64(text: str, *, max_bytes: int) -> bytes:
    """The bytes that `text` stands for, at most `max_bytes`.

    Raises: InvalidBase64Error; TooLargeError before anything is decoded.
    """
    try:
        payload = _without_data_url(_without_bytes_quotes(text.encode("ascii").strip()))
    except UnicodeEncodeError as exc:
        raise InvalidBase64Error("image_base64 holds characters outside base64.", field=FIELD) from exc
    try:
        return _decode(payload, max_bytes)  # most texts need no copy in another alphabet
    except (InvalidBase64Error, TooLargeError):
        return _decode(payload.translate(_STANDARD_ALPHABET, _WHITESPACE), max_bytes)


def _decode(digits: bytes, max_bytes: int) -> bytes:
    """The bytes of standard base64 without white space, padded or not."""
    core = digits.rstrip(b"=")
    missing = -len(core) % 4
    if len(digits) - len(core) not in (0, missing):
        raise InvalidBase64Error("image_base64 is padded wrongly.", field=FIELD)
    if len(core) * 3 // 4 > max_bytes:
        raise TooLargeError(f"The image has more than {max_bytes} bytes.", field=FIELD)
    try:
        return pybase64.b64decode(core + b"=" * missing, validate=True)  # ten times as fast as binascii
    except binascii.Error as exc:
        raise InvalidBase64Error("image_base64 is not base64.", field=FIELD) from exc


def _without_bytes_quotes(text: bytes) -> bytes:
    if text[:2] not in (b"b'", b'b"'):
        return text
    if len(text) < 3 or text[-1] != text[1]:
        raise InvalidBase64Error("image_base64 starts like Python's b'...' but does not end so.", field=FIELD)
    inside = text[2:-1]
    return inside.replace(b"\\n", b"").replace(b"\\r", b"") if b"\\" in inside else inside  # looking is cheaper


def _without_data_url(text: bytes) -> bytes:
    if text[:5].lower() != b"data:":
        return text
    header, comma, payload = text.partition(b",")
    if not comma or not header.lower().endswith(b";base64"):
        raise InvalidBase64Error("image_base64 is a data URL without ;base64.", field=FIELD)
    return payload
