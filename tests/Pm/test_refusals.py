"""Each refusal of get_pm: its status, code and field, and that it is recorded."""

import base64
import hashlib
import json
from typing import Any

import pytest
from django.db import connection

from Pm.models import Prediction
from tests.conftest import PNG, Change, Post
from tests.fake_model import FakeModel, Reply

pytestmark = pytest.mark.django_db
SHA256 = hashlib.sha256(PNG).hexdigest()
PLAIN = base64.b64encode(PNG).decode()


def error_of(response: Any) -> tuple[int, str, str | None]:
    error = response.json()["error"]
    assert error["request_id"] == response["X-Request-ID"]
    return response.status_code, error["code"], error.get("field")


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"image_id=1",
        b"\xff\xfe{}",
        b'{"image_id": "1"',
        b'{"image_id": "1", "image_base64": NaN}',
        b"[" * 100_000,
        b'["image_id"]',
        b'"text"',
        b"null",
        b'{"n": ' + b"9" * 5000 + b"}",
    ],
)
def test_what_is_no_json_object_is_refused_and_not_recorded(post: Post, body: bytes) -> None:
    assert error_of(post(body)) == (400, "invalid_request", None)
    assert not Prediction.objects.exists()


@pytest.mark.parametrize("name", ["image_id", "image_base64", "institution"])
def test_a_field_with_half_a_character_is_named(post: Post, name: str) -> None:
    body = {"image_id": "1", "image_base64": "AAAA"} | {name: "\ud83d"}  # as json.dumps writes a cut emoji
    status, code, field = error_of(post(body))
    assert (status, code, field) == (400, "invalid_base64" if name == "image_base64" else "invalid_request", name)


@pytest.mark.parametrize("extra", [b'"\\ud83d"', b"1e999", b'{"\\ud83d": 1}', b"-0.0"])
def test_unknown_fields_are_ignored_whatever_json_they_hold(post: Post, model: FakeModel, extra: bytes) -> None:
    image = base64.b64encode(PNG)
    assert post(b'{"image_id": "1", "x": ' + extra + b', "image_base64": "' + image + b'"}').status_code == 200


@pytest.mark.parametrize("image_id", [None, 12345, True, [], {}, "", "a" * 256, "a\x00b", "a\nb", "\x85", "\ud83d"])
def test_unacceptable_image_id_is_refused_and_not_recorded(post: Post, image_id: object) -> None:
    assert error_of(post({"image_id": image_id, "image_base64": PLAIN})) == (400, "invalid_request", "image_id")
    assert not Prediction.objects.exists()


def test_missing_fields_are_named(post: Post) -> None:
    assert post({"image_base64": PLAIN}).json()["error"]["message"] == "image_id is missing."
    assert post({"image_id": "1"}).json()["error"]["message"] == "image_base64 is missing."
    assert post({"image_id": "1", "image_base64": None}).json()["error"]["message"] == "image_base64 must not be null."
    assert post({"image_id": 1, "image_base64": PLAIN}).json()["error"]["message"] == "image_id must be a JSON string."


@pytest.mark.parametrize(
    ("image_base64", "code"),
    [
        (7, "invalid_request"),
        (["b''"], "invalid_request"),
        ("!!!!", "invalid_base64"),
        ("照片", "invalid_base64"),
        ("__import__('os').system('true')", "invalid_base64"),
        ("", "invalid_image"),
        ("b''", "invalid_image"),
        ("data:;base64,", "invalid_image"),
    ],
)
def test_unacceptable_image_base64_is_refused_and_recorded(post: Post, image_base64: object, code: str) -> None:
    assert error_of(post({"image_id": "1", "image_base64": image_base64})) == (400, code, "image_base64")
    record = Prediction.objects.get()
    assert (record.image_id, record.error_code, record.result, record.content_sha256) == ("1", code, "", "")
    assert set(record.stage_ms) == {"parse"}


def test_body_over_the_limit_is_refused_before_it_is_read(post: Post, change: Change) -> None:
    limit = change(max_image_bytes=1024).max_body_bytes
    assert error_of(post(b" " * (limit + 1))) == (413, "too_large", None)


def test_image_over_the_limit_is_refused(post: Post, change: Change) -> None:
    change(max_image_bytes=1024)
    body = {"image_id": "1", "image_base64": base64.b64encode(b"x" * 1025).decode()}
    assert error_of(post(body)) == (413, "too_large", "image_base64")
    assert Prediction.objects.get().error_code == "too_large"


@pytest.mark.parametrize(
    ("status", "code", "field"),
    [
        (400, "invalid_image", "image_base64"),
        (413, "too_large", "image_base64"),
        (415, "unsupported_format", "image_base64"),
        (503, "busy", None),
        (503, "model_unavailable", None),
        (504, "model_timeout", None),
    ],
)
def test_refusal_of_the_model_service_is_passed_on(
    model: FakeModel, post: Post, status: int, code: str, field: str | None
) -> None:
    model.reply = Reply({"error": {"code": code, "message": "In so many words.", "request_id": "x"}}, status)
    response = post()
    assert error_of(response) == (status, code, field)
    assert response.json()["error"]["message"] == "In so many words."
    assert ("Retry-After" in response) == (status == 503)
    record = Prediction.objects.get()
    assert (record.error_code, record.size_bytes, record.format) == (code, len(PNG), "")
    assert record.content_sha256 == SHA256


@pytest.mark.parametrize("reply", [Reply(b"0"), Reply(b"<html>"), Reply({}), Reply({"error": {}}, 500)])
def test_nonsense_of_the_model_service_is_a_bad_gateway(model: FakeModel, post: Post, reply: Reply) -> None:
    model.reply = reply
    assert error_of(post()) == (502, "bad_model_reply", None)


def test_no_model_server_is_503_model_unavailable(post: Post) -> None:
    response = post()
    assert error_of(response) == (503, "model_unavailable", None)
    assert response["Retry-After"] == "5"


def test_get_pm_returns_504_when_model_times_out(model: FakeModel, post: Post, change: Change) -> None:
    change(model_read_timeout_s=0.1)
    model.reply = Reply(silent=True)
    assert error_of(post()) == (504, "model_timeout", None)
    assert len(model.requests) == 1


def test_refused_pictures_are_not_kept(model: FakeModel, post: Post, change: Change) -> None:
    model.reply = Reply({"error": {"code": "invalid_image", "message": "No.", "request_id": "x"}}, 400)
    post()
    assert [path for path in change().media_root.rglob("*") if path.is_file()] == []


def test_failing_database_does_not_hide_a_refusal(post: Post, caplog: pytest.LogCaptureFixture) -> None:
    with connection.cursor() as cursor:
        cursor.execute('ALTER TABLE "Pm_prediction" RENAME TO "gone"')
    assert error_of(post({"image_id": "1", "image_base64": "!"})) == (400, "invalid_base64", "image_base64")
    assert "refusal not recorded" in caplog.text


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "BREW"])
def test_other_methods_are_405(client: Any, change: Change, method: str) -> None:
    response = client.generic(method, "/api/v1/get_pm/", b"")
    assert response.status_code == 405
    assert response["Allow"] == "POST"
    if method != "HEAD":
        assert json.loads(response.content)["error"]["code"] == "method_not_allowed"


def test_hash_is_recorded_when_no_server_was_there_to_be_asked(post: Post) -> None:
    assert error_of(post()) == (503, "model_unavailable", None)
    assert Prediction.objects.get().content_sha256 == SHA256
