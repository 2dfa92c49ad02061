"""docs/api.md names all there is, in both languages."""

import re

import pytest

from Pm.errors import ERRORS, ApiError
from server.env import ROOT

TEXT = (ROOT / "docs/api.md").read_text()
HALVES = dict(zip(("English", "中文"), re.split(r"(?m)^# 中文.*$", TEXT), strict=True))


@pytest.mark.parametrize("language", HALVES)
@pytest.mark.parametrize("error", ERRORS)
def test_every_code_is_documented_with_its_status_and_an_example(language: str, error: type[ApiError]) -> None:
    text = HALVES[language]
    assert re.search(rf"(?m)^\| {int(error.status)} \| `{error.code}` \|", text)
    assert f'{{"error": {{"code": "{error.code}",' in text


@pytest.mark.parametrize("language", HALVES)
@pytest.mark.parametrize(
    "word",
    ["image_id", "image_base64", "result", "X-Request-ID", "X-Model-Version", "X-Score", "Retry-After", "Api-Key",
     "10485760", "50000000", "/api/v1/get_pm/", "/healthz", "/readyz", "/api/schema/", "curl", "import requests",
     "str(base64_data)"],
)  # fmt: skip
def test_every_field_header_and_limit_is_documented(language: str, word: str) -> None:
    assert word in HALVES[language]
