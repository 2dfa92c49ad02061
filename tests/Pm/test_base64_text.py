"""image_base64: any bytes in any accepted form come back; anything else is refused, in linear time."""

import base64
import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from Pm.base64_text import decode_base64
from Pm.errors import InvalidBase64Error, TooLargeError

FORMS = {
    "plain": lambda data: base64.b64encode(data).decode(),
    "unpadded": lambda data: base64.b64encode(data).decode().rstrip("="),
    "URL-safe": lambda data: base64.urlsafe_b64encode(data).decode(),
    "URL-safe, unpadded": lambda data: base64.urlsafe_b64encode(data).decode().rstrip("="),
    "with line breaks": lambda data: base64.encodebytes(data).decode(),
    "with Windows line breaks": lambda data: base64.encodebytes(data).decode().replace("\n", "\r\n"),
    "surrounded by spaces": lambda data: f" \t{base64.b64encode(data).decode()}\n",
    "str(bytes)": lambda data: str(base64.b64encode(data)),
    "str(bytes) with double quotes": lambda data: f'b"{base64.b64encode(data).decode()}"',
    "str(bytes) of encodebytes": lambda data: str(base64.encodebytes(data)),
    "data URL": lambda data: f"data:image/jpeg;base64,{base64.b64encode(data).decode()}",
    "data URL without a type": lambda data: f"DATA:;BASE64,{base64.b64encode(data).decode()}",
    "data URL with a parameter": lambda data: f"data:text/plain;charset=x;base64,{base64.b64encode(data).decode()}",
}


@pytest.mark.parametrize("form", FORMS)
@given(data=st.binary(max_size=300))
def test_bytes_survive_each_form(form: str, data: bytes) -> None:
    assert decode_base64(FORMS[form](data), max_bytes=300) == data


@given(text=st.text())
def test_any_text_is_decoded_or_refused(text: str) -> None:
    with contextlib.suppress(InvalidBase64Error):
        assert isinstance(decode_base64(text, max_bytes=1000), bytes)


def test_alphabets_may_be_mixed() -> None:
    assert decode_base64("+-/_", max_bytes=3) == base64.b64decode("++//")


@pytest.mark.parametrize(
    "text",
    [
        "a",
        "=",
        "====",
        "aGVsbG8==",
        "aGVs=",
        "aG=VsbG8",
        "aGVsbG8=a",
        "a*GVs",
        "b'",
        "b'aGVs",
        "b'aGVs\"",
        "'aGVs'",
        "data:image/png,aGVs",
        "data:image/png;base64",
        "b'aGVs' + b'aGVs'",
        "b'\\x61GVs'",
        "é",
        "\ud800",
    ],
)
def test_what_is_not_base64_is_refused(text: str) -> None:
    with pytest.raises(InvalidBase64Error):
        decode_base64(text, max_bytes=1000)


def test_limit_is_exact() -> None:
    assert len(decode_base64(base64.b64encode(b"x" * 1000).decode(), max_bytes=1000)) == 1000
    with pytest.raises(TooLargeError, match=r"^The image has more than 1000 bytes\.$"):
        decode_base64(base64.b64encode(b"x" * 1001).decode(), max_bytes=1000)


@pytest.mark.parametrize(
    "text",
    ["=" * 10**7, "b'" * 10**6, " " * 10**7 + "!", "data:" * 10**6, "b'" + "\\n" * 10**6],
    ids=lambda text: text[:6],
)
def test_long_hostile_text_is_refused(text: str) -> None:
    """In linear time: a quadratic parser works for hours here, and pytest's time limit ends it."""
    with pytest.raises(InvalidBase64Error):
        decode_base64(text, max_bytes=10**7)
