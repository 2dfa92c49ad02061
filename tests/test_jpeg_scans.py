"""Endless scans are refused before they are decoded, by both tiers alike; what lies behind a photo counts none."""

from collections.abc import Callable

import pytest

from Pm.errors import TooLargeError
from Pm.pictures import read_picture
from resnet_server.errors import TooLargeError as ServiceTooLargeError
from resnet_server.preprocess import PreprocessSpec, preprocess
from tests.pictures import encode, screen

Read = Callable[[bytes], object]
SPEC = PreprocessSpec(height=64, width=40)
TOO_LARGE = (TooLargeError, ServiceTooLargeError)


def posted(data: bytes) -> object:
    return preprocess(data, SPEC)


both = pytest.mark.parametrize("read", [posted, read_picture])


def progressive_with_scans(extra: int) -> bytes:
    """A progressive JPEG whose last scan is repeated: small in bytes, long to decode."""
    photo = encode(screen(64, 64), "JPEG", progressive=True)
    start, end = photo.rindex(b"\xff\xda"), photo.rindex(b"\xff\xd9")
    return photo[:end] + photo[start:end] * extra + photo[end:]


@both
def test_a_jpeg_of_endless_scans_is_refused_before_it_is_decoded(read: Read) -> None:
    read(progressive_with_scans(20))
    with pytest.raises(TOO_LARGE, match=r"^The JPEG has more than 100 scans; save it again as an ordinary one\.$"):
        read(progressive_with_scans(200))


@both
def test_what_a_phone_puts_behind_a_photo_counts_no_scans(read: Read) -> None:
    film = b"\xff\xda" * 500
    read(progressive_with_scans(20) + film)
    bomb = progressive_with_scans(200)
    first = bomb.index(b"\xff\xda")
    comment = b"\xff\xfe\x00\x06\xff\xd9ab"  # an end that is none
    with pytest.raises(TOO_LARGE):
        read(bomb[:first] + comment + bomb[first:] + film)
