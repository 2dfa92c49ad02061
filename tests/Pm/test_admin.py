"""The admin's list of records: plain, read only, whole ids found."""

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from pytest_django import DjangoAssertNumQueries

from Pm import admin
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


def test_list_reads_no_whole_table(admin_client: Client, record: Prediction, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(admin.PredictionAdmin, "list_per_page", 1)
    Prediction.objects.create(image_id="2", client="crawler", request_id="r2", result="online", score=0.9)
    with CaptureQueriesContext(connection) as queries:
        assert admin_client.get(URL, {"result__exact": "online"}).status_code == 200
    on_records = [query["sql"] for query in queries if "Pm_prediction" in query["sql"]]
    count, page = on_records
    assert "COUNT(*)" in count
    assert "LIMIT 10000)" in count
    assert "COUNT" not in page
    assert page.endswith(" LIMIT 1")
    assert "DISTINCT" not in count + page


def test_count_stops_and_the_list_still_pages(
    admin_client: Client, record: Prediction, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(admin, "MAX_COUNTED", 2)
    monkeypatch.setattr(admin.PredictionAdmin, "list_per_page", 1)
    for number in range(3):
        Prediction.objects.create(image_id=f"photo{number}", client="c", request_id="r", result="online", score=0.9)
    page = admin_client.get(URL, {"p": "2"}).content.decode()
    assert "2 predictions" in page
    assert "photo1" in page


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
