"""Each golden error is what the code really answers: the gateway, the model service and nginx are made to say it."""

import base64
import json
import re
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from jsonschema import Draft202012Validator

from Pm import services
from Pm.body import BODY_TOO_LARGE
from Pm.errors import ERRORS
from Pm.schema import EXAMPLES, error_example
from resnet_server.admission import Admission
from resnet_server.errors import ServiceError, error_body
from resnet_server.preprocess import PreprocessSpec, preprocess
from server.env import ROOT
from tests.conftest import Change, Post
from tests.fake_model import FakeModel, Reply
from tests.pictures import encode, noise, screen

BY_CODE = {error.code: error for error in ERRORS}
ID = error_example(BY_CODE["busy"])["error"]["request_id"]
HEADERS = {"X-Request-ID": ID}
NGINX = [
    (name, int(status), json.loads(body.replace("$pm_request_id", ID)))
    for name in ("public.conf", "internal.conf", "refusals.conf")
    for status, body in re.findall(r"return (\d+) '(\{.*\})';", (ROOT / "conf" / "nginx" / name).read_text())
]
# nginx refuses these for reasons of its own, before anybody has seen a photo.
TOLD_MONITORS = "The gateway is not running, or restarting; try again in a second."
NGINX_OWN_WORDS = ("invalid_request", "too_large", "storage_unavailable")


def assert_is_the_example(code: str, response: Any) -> None:
    error = BY_CODE[code]
    assert response.status_code == error.status
    assert json.loads(response.content) == error_example(error)


@pytest.mark.parametrize(
    ("code", "body"),
    [
        ("invalid_request", {"image_id": 12345, "image_base64": "AAAA"}),
        ("invalid_base64", {"image_id": "12345", "image_base64": "__import__('os')"}),
        ("too_large", {"image_id": "12345", "image_base64": base64.b64encode(bytes(10 * 1024 * 1024 + 1)).decode()}),
        ("model_unavailable", None),
    ],
)
@pytest.mark.django_db
def test_refused_body(post: Post, code: str, body: object) -> None:
    assert_is_the_example(code, post(body, headers=HEADERS))


@pytest.mark.django_db
def test_refused_keys(post: Post, change: Change) -> None:
    change(require_api_key=True)
    assert_is_the_example("not_authenticated", post(headers=HEADERS))
    assert_is_the_example("permission_denied", post(headers=HEADERS | {"Authorization": "Api-Key x"}))


def test_refused_addresses_and_methods(client: Client, change: Change) -> None:
    assert_is_the_example("not_found", client.get("/nowhere", headers=HEADERS))
    assert_is_the_example("method_not_allowed", client.get("/api/v1/get_pm/", headers=HEADERS))


@pytest.mark.django_db
def test_model_that_fails(model: FakeModel, post: Post, change: Change) -> None:
    model.reply = Reply(b"banana")
    assert_is_the_example("bad_model_reply", post(headers=HEADERS))
    change(model_read_timeout_s=0.1)
    model.reply = Reply(silent=True)
    assert_is_the_example("model_timeout", post(headers=HEADERS))


def read(data: bytes) -> None:
    preprocess(data, PreprocessSpec(height=40, width=32))


def find_no_place() -> None:
    with Admission(slots=0, queue_size=0, patience_s=0).slot():
        pass


@pytest.mark.parametrize(
    ("code", "refuse"),
    [
        ("invalid_image", lambda: read(encode(noise(), "JPEG")[:5000])),
        ("unsupported_format", lambda: read(encode(screen(), "GIF"))),
        ("busy", find_no_place),
    ],
)
@pytest.mark.django_db
def test_refusal_of_the_model_service(model: FakeModel, post: Post, code: str, refuse: Callable[[], None]) -> None:
    with pytest.raises(ServiceError) as caught:
        refuse()
    error = caught.value
    model.reply = Reply(error_body(error.code, error.message, ID, error.field), error.status)
    assert_is_the_example(code, post(headers=HEADERS))


@pytest.mark.django_db
def test_record_that_cannot_be_written(model: FakeModel, post: Post) -> None:
    with connection.cursor() as cursor:
        cursor.execute('ALTER TABLE "Pm_prediction" RENAME TO "gone"')
    assert_is_the_example("storage_unavailable", post(headers=HEADERS))


@pytest.mark.django_db
def test_bug(client: Client, post: Post, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(services, "classify")
    client.raise_request_exception = False
    assert_is_the_example("internal_error", post(headers=HEADERS))


@pytest.mark.parametrize(("name", "status", "body"), NGINX, ids=lambda value: str(value)[:40])
def test_nginx_says_the_same(name: str, status: int, body: dict[str, Any]) -> None:
    Draft202012Validator(json.loads((ROOT / "contracts/error.schema.json").read_text())).validate(body)
    error = BY_CODE[body["error"]["code"]]
    assert status == error.status
    if error.code not in NGINX_OWN_WORDS and body["error"]["message"] != TOLD_MONITORS:
        assert body == error_example(error)
    if (name, error.code) == ("public.conf", "too_large"):
        assert body["error"]["message"] == BODY_TOO_LARGE


def test_nobody_else_throttles_and_nothing_else_has_an_example() -> None:
    assert "throttled" in {body["error"]["code"] for _, _, body in NGINX}
    assert {path.name for path in EXAMPLES.glob("error.*")} == {f"error.{code}.json" for code in BY_CODE}
