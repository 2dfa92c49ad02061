"""Counts the scans of a JPEG before it is decoded, the same in both tiers.

A progressive JPEG decodes in time proportional to its scans, and a scan can be 75 bytes long: 300 kB of them keep a
core busy for 8 s. Encoders write about ten; the most in any real photo that we have seen is 35.
"""

import re

MAX_JPEG_SCANS = 100
_START_OF_SCAN, _END_OF_JPEG = b"\xda", b"\xd9"
_SCAN_MARKER = b"\xff" + _START_OF_SCAN
_MARKER = re.compile(rb"\xff[^\x00\x01\xd0-\xd7\xff]", re.DOTALL)  # no stuffing, no fill byte, none without length


def has_too_many_scans(jpeg: bytes) -> bool:
    """Whether it has more than MAX_JPEG_SCANS, what lies behind its end left out: the films of phones, say."""
    # Counting bytes is quick and never too low; films hold them by chance.
    return jpeg.count(_SCAN_MARKER) > MAX_JPEG_SCANS < _count_scans(jpeg)


def _count_scans(jpeg: bytes) -> int:
    """The scans up to its end, segment by segment as libjpeg reads them: ITU-T T.81, annex B."""
    scans, place = 0, 2
    while marker := _MARKER.search(jpeg, place):
        code, place = marker[0][1:], marker.end()
        if code == _END_OF_JPEG:
            break
        scans += code == _START_OF_SCAN
        place += int.from_bytes(jpeg[place : place + 2])  # the segment's length counts itself
    return scans
