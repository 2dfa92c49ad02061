"""docs/api.md names all there is, in both languages, and its examples are true."""

import importlib
import json
import re
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import requests

from api.health import ONE_READY
from Pm.errors import ERRORS, ApiError
from Pm.schema import error_example
from resnet_server import settings as model
from server import env as gateway
from server.env import ROOT
from server.stack import settings as stack
from server.stack.render import NGINX_MARGIN_S

TEXT = (ROOT / "docs/api.md").read_text()
HALVES = dict(zip(("English", "中文"), re.split(r"(?m)^# 中文.*$", TEXT), strict=True))


@pytest.mark.parametrize("language", HALVES)
@pytest.mark.parametrize("error", ERRORS)
def test_every_code_is_documented_with_its_status_and_an_example(language: str, error: type[ApiError]) -> None:
    text = HALVES[language]
    assert re.search(rf"(?m)^\| {int(error.status)} \| `{error.code}` \|", text)
    assert f"\n{json.dumps(error_example(error), ensure_ascii=False)}\n" in text


@pytest.mark.parametrize("language", HALVES)
@pytest.mark.parametrize(
    "word",
    ["image_id", "image_base64", "result", "X-Request-ID", "X-Model-Version", "X-Score", "Retry-After", "Api-Key",
     "10485760", "50000000", "/api/v1/get_pm/", "/healthz", "/readyz", "/api/schema/", "curl", "import requests",
     "str(base64_data)", "/admin/"],
)  # fmt: skip
def test_every_field_header_and_limit_is_documented(language: str, word: str) -> None:
    assert word in HALVES[language]


@pytest.mark.parametrize("language", HALVES)
def test_readiness_is_documented_as_it_is_answered(language: str) -> None:
    body = json.dumps({"status": "ready", "checks": {"database": "ok"} | ONE_READY}, separators=(",", ":"))
    assert f"\n{body}\n" in HALVES[language]


@pytest.mark.parametrize("language", HALVES)
def test_limits_are_the_settings_with_their_defaults(language: str) -> None:
    rows = re.findall(r"(?m)^\| [^|]+ \| (\d+) \| `([A-Z_]+)` \|$", HALVES[language])
    assert len(rows) == 5
    defaults = {row.name: row.default for table in (gateway, stack, model) for row in table.SETTINGS}
    assert {name: default for default, name in rows} == {name: defaults[name] for _, name in rows}


@pytest.mark.parametrize("language", HALVES)
def test_client_timeout_outlasts_two_tries_of_the_slowest_service(language: str) -> None:
    advised_s = [int(number) for number in re.findall(r"timeout=(\d+)", HALVES[language])]
    assert len(advised_s) == 2
    assert min(advised_s) > 2 * (40 + NGINX_MARGIN_S)


def reply(status: int, **headers: str) -> requests.Response:
    response = requests.Response()
    response.status_code = status
    response.headers.update(headers)
    response._content = b'{"image_id":"1","result":"offline"}'
    return response


REFUSED = requests.ConnectionError("refused")
BUSY = reply(503, **{"Retry-After": "7"})


@pytest.mark.parametrize("language", HALVES)
@pytest.mark.parametrize(
    ("outcomes", "slept", "end"),
    [
        ([reply(200)], [], None),
        ([REFUSED, reply(502), BUSY, reply(200)], [1, 2, 7], None),
        ([reply(400)], [], requests.HTTPError),
        ([reply(500)], [], requests.HTTPError),
        ([BUSY] * 5, [7] * 4, requests.HTTPError),
        ([REFUSED] * 5, [1, 2, 4, 8], requests.ConnectionError),
    ],
)
def test_documented_retry_works(
    language: str,
    outcomes: list[Any],
    slept: list[float],
    end: type[Exception] | None,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    (snippet,) = re.findall(r"```python\n(import time\n.*?)```", HALVES[language], re.DOTALL)
    (tmp_path / "retry.py").write_text(snippet, encoding="utf-8")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(sys.modules, "retry", raising=False)
    retry = importlib.import_module("retry")
    left = list(outcomes)
    waited: list[float] = []

    def post(url: str, **options: Any) -> requests.Response:
        outcome = left.pop(0)
        if isinstance(outcome, Exception):
            raise outcome
        return outcome  # type: ignore[no-any-return]

    monkeypatch.setattr(retry, "requests", SimpleNamespace(post=post, ConnectionError=requests.ConnectionError))
    monkeypatch.setattr(retry, "time", SimpleNamespace(sleep=waited.append))
    if end is None:
        assert retry.classify({}) == {"image_id": "1", "result": "offline"}
    else:
        with pytest.raises(end):
            retry.classify({})
    assert (left, waited) == ([], slept)
