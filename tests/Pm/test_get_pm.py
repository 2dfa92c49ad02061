"""An accepted photo: what is answered, recorded and kept."""

import base64
import hashlib
import logging
import os

import pytest
from django.db import connection
from pytest_django import DjangoAssertNumQueries

from Pm.models import Prediction
from tests.conftest import PNG, Change, Post
from tests.fake_model import ANSWER, FakeModel, Reply

pytestmark = pytest.mark.django_db
PLAIN = base64.b64encode(PNG).decode()
SHA256 = hashlib.sha256(PNG).hexdigest()


@pytest.mark.parametrize("path", ["/api/v1/get_pm/", "/api/v1/get_pm"])
def test_get_pm_answers_the_two_keys_with_or_without_final_slash(model: FakeModel, post: Post, path: str) -> None:
    response = post(path=path)
    assert response.status_code == 200
    assert response.content == b'{"image_id":"12345","result":"offline"}'
    assert response["Content-Type"] == "application/json"


def test_headers_tell_what_else_is_known(model: FakeModel, post: Post) -> None:
    response = post(headers={"X-Request-ID": "my-id.1"})
    assert response["X-Request-ID"] == "my-id.1"
    assert response["X-Model-Version"] == "default-0a1b2c3d"
    assert response["X-Score"] == "0.9873"
    assert "Allow" not in response
    assert "Accept" not in response.get("Vary", "")


def test_online_is_answered_online(model: FakeModel, post: Post) -> None:
    model.reply = Reply(ANSWER | {"result": 1, "label": "online"})
    assert post().json() == {"image_id": "12345", "result": "online"}


def test_model_service_gets_the_bytes_and_the_request_id(model: FakeModel, post: Post) -> None:
    post(headers={"X-Request-ID": "abc"})
    (path, headers, body) = model.requests[0]
    assert (path, body) == ("/v1/is_online/", PNG)
    assert headers["X-Request-ID"] == "abc"
    assert headers["Content-Type"] == "application/octet-stream"
    assert headers["Accept"] == "application/json"


@pytest.mark.parametrize("form", [PLAIN, str(base64.b64encode(PNG)), f"data:image/png;base64,{PLAIN}"])
def test_each_form_of_base64_is_understood(model: FakeModel, post: Post, form: str) -> None:
    assert post({"image_id": "12345", "image_base64": form}).status_code == 200
    assert model.requests[0][2] == PNG


def test_chinese_image_id_is_given_back_unescaped(model: FakeModel, post: Post) -> None:
    response = post({"image_id": " 北京校区Java学科12期开班合照 ", "image_base64": PLAIN})
    assert response.content == '{"image_id":" 北京校区Java学科12期开班合照 ","result":"offline"}'.encode()


@pytest.mark.parametrize("content_type", ["text/plain", "", "multipart/form-data", "application/json; charset=gbk"])
def test_body_is_json_whatever_its_content_type(model: FakeModel, post: Post, content_type: str) -> None:
    assert post(content_type=content_type).status_code == 200


def test_accept_and_format_are_ignored_and_so_are_unknown_fields(model: FakeModel, post: Post) -> None:
    body = {"image_id": "1", "image_base64": PLAIN, "weather": 7}
    response = post(body, path="/api/v1/get_pm/?format=html", headers={"Accept": "text/html"})
    assert response.json() == {"image_id": "1", "result": "offline"}


def test_request_is_recorded_in_full(model: FakeModel, post: Post) -> None:
    post(headers={"X-Request-ID": "abc"}, REMOTE_ADDR="192.0.2.7")
    record = Prediction.objects.get()
    assert (record.image_id, record.result, record.error_code) == ("12345", "offline", "")
    assert (record.content_sha256, record.size_bytes) == (SHA256, len(PNG))
    assert (record.format, record.width, record.height) == ("PNG", 640, 480)
    assert (record.score, record.model_version) == (0.98731, "default-0a1b2c3d")
    assert (record.client, record.request_id) == ("192.0.2.7", "abc")
    assert set(record.stage_ms) == {"parse", "model", "queue", "preprocess", "inference", "store"}
    assert str(record) == "12345: offline"


def test_a_record_is_what_django_would_have_saved(model: FakeModel, post: Post) -> None:
    post({"image_id": "北京校区Java学科12期", "image_base64": PLAIN, "captured_at": "2026-11-20T09:30:00+08:00"})
    post({"image_id": "refused", "image_base64": "%"})
    for record in Prediction.objects.all():
        written = Prediction.objects.filter(pk=record.pk).values()[0]
        record.save()
        assert Prediction.objects.filter(pk=record.pk).values()[0] == written


def test_an_answer_costs_one_statement(
    model: FakeModel, post: Post, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    with django_assert_num_queries(1):
        post()


def test_same_picture_is_kept_once_and_touched(model: FakeModel, post: Post, change: Change) -> None:
    post()
    kept = change().media_root / SHA256[:2] / f"{SHA256}.png"
    assert kept.read_bytes() == PNG
    os.utime(kept, (1, 1))
    post({"image_id": "another", "image_base64": PLAIN})
    assert kept.stat().st_mtime > 1
    assert [path.name for path in change().media_root.rglob("*") if path.is_file()] == [kept.name]
    assert Prediction.objects.count() == 2


def test_pictures_are_not_kept_when_switched_off(model: FakeModel, post: Post, change: Change) -> None:
    change(keep_images=False)
    assert post().status_code == 200
    assert not change().media_root.exists()
    assert "store" not in Prediction.objects.get().stage_ms


def test_nothing_is_answered_when_the_record_cannot_be_written(
    model: FakeModel, post: Post, caplog: pytest.LogCaptureFixture
) -> None:
    with connection.cursor() as cursor:
        cursor.execute('ALTER TABLE "Pm_prediction" RENAME TO "gone"')
    response = post()
    assert response.status_code == 503
    assert response["Retry-After"] == "5"
    assert response.json()["error"]["code"] == "storage_unavailable"
    assert "result" not in response.json()
    assert "answer not recorded" in caplog.text


def test_nothing_is_answered_when_the_picture_cannot_be_kept(model: FakeModel, post: Post, change: Change) -> None:
    change().var_dir.mkdir()
    change().media_root.write_text("a file where the folder should be")
    response = post()
    assert (response.status_code, response.json()["error"]["code"]) == (503, "storage_unavailable")
    assert Prediction.objects.get().error_code == "storage_unavailable"


def test_neither_picture_nor_key_is_logged(model: FakeModel, post: Post, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    post(headers={"Authorization": "Api-Key abcdefgh.secret"})
    post()
    logged = " ".join(str(vars(record)) for record in caplog.records if record.name.startswith(("Pm", "api")))
    assert "api.access" in logged
    assert PLAIN not in logged
    assert "secret" not in logged
