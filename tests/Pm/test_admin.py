"""The admin's list of records: plain, read only, whole ids found."""

import pytest
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from Pm.models import Prediction
from tests.conftest import Change

pytestmark = pytest.mark.django_db
URL = "/admin/Pm/prediction/"


@pytest.fixture(autouse=True)
def plain_settings(change: Change) -> None: ...


@pytest.fixture
def record() -> Prediction:
    return Prediction.objects.create(image_id="北京校区", client="crawler", request_id="r1", result="online", score=0.9)


def test_records_are_listed(admin_client: Client, record: Prediction) -> None:
    page = admin_client.get(URL).content.decode()
    assert "北京校区" in page
    assert "crawler" in page


def test_whole_image_id_is_found(admin_client: Client, record: Prediction) -> None:
    assert "1 prediction" in admin_client.get(URL, {"q": "北京校区"}).content.decode()
    assert "0 predictions" in admin_client.get(URL, {"q": "北京"}).content.decode()


def test_nobody_adds_changes_or_deletes_records(admin_client: Client, record: Prediction) -> None:
    assert admin_client.get(f"{URL}add/").status_code == 403
    assert admin_client.post(f"{URL}{record.pk}/change/", {"result": "offline"}).status_code == 403
    assert admin_client.post(f"{URL}{record.pk}/delete/", {"post": "yes"}).status_code == 403
    assert admin_client.get(f"{URL}{record.pk}/change/").status_code == 200


def test_admin_speaks_chinese_and_the_api_stays_english(admin_client: Client) -> None:
    page = admin_client.get("/admin/", headers={"Accept-Language": "zh-hans"})
    assert "站点管理" in page.content.decode()
    error = admin_client.post("/api/v1/get_pm/", b"", content_type="x/y", headers={"Accept-Language": "zh-hans"})
    assert error.json()["error"]["message"] == "The body must be a JSON object in UTF-8."
    assert "Content-Language" not in error


def test_strangers_are_sent_to_the_log_in_page(
    client: Client, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    with django_assert_num_queries(0):
        response = client.get(URL)
    assert response["Location"] == f"/admin/login/?next={URL}"
