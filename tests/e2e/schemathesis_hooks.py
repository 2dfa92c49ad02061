"""Gives schemathesis real pictures for image_base64, and days that the calendar has: no schema can describe them."""

import base64
from datetime import UTC, datetime

import schemathesis
from hypothesis import strategies

from tests.pictures import encode, noise, screen

PICTURES = [base64.b64encode(encode(screen(64, 36), name)).decode() for name in ("JPEG", "PNG", "WEBP", "BMP")]
PICTURES += [str(base64.b64encode(encode(noise(20, 20))))]

schemathesis.openapi.format("image-base64", strategies.sampled_from(PICTURES))
schemathesis.openapi.format(
    "captured-at",
    strategies.datetimes(datetime(2000, 1, 1), datetime(2099, 12, 31), timezones=strategies.just(UTC)).map(  # noqa: DTZ001 - the zone follows
        datetime.isoformat
    ),
)
