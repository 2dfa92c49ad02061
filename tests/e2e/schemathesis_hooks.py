"""Gives schemathesis real pictures for image_base64, which no schema can describe."""

import base64

import schemathesis
from hypothesis import strategies

from tests.pictures import encode, noise, screen

PICTURES = [base64.b64encode(encode(screen(64, 36), name)).decode() for name in ("JPEG", "PNG", "WEBP", "BMP")]
PICTURES += [str(base64.b64encode(encode(noise(20, 20))))]

schemathesis.openapi.format("image-base64", strategies.sampled_from(PICTURES))
