"""The optional fields of a request: taken, refused by name, kept in the record; the answer stays two keys."""

import base64
from datetime import UTC, date, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from pytest_django import DjangoAssertNumQueries

from Pm.models import Prediction
from tests.conftest import PNG, Change, Post
from tests.fake_model import FakeModel, Reply

pytestmark = pytest.mark.django_db
PLAIN = base64.b64encode(PNG).decode()
BODY: dict[str, Any] = {"image_id": "12345", "image_base64": PLAIN}


def test_the_fields_are_recorded_and_the_answer_stays_two_keys(
    model: FakeModel, post: Post, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    known = {"institution": " 清华大学 ", "region": "北京", "captured_at": "2026-11-20T07:30:00+08:00"}
    with django_assert_num_queries(1):
        response = post(BODY | known)
    assert response.content == b'{"image_id":"12345","result":"offline"}'
    record = Prediction.objects.get()
    assert (record.institution, record.region) == ("清华大学", "北京")
    assert record.captured_at == datetime(2026, 11, 19, 23, 30, tzinfo=UTC)
    assert record.day == date(2026, 11, 20)


def test_what_is_absent_is_read_from_the_image_id(model: FakeModel, post: Post) -> None:
    post(BODY | {"image_id": "北京校区Java学科12期开班合照", "institution": None})
    record = Prediction.objects.get()
    assert (record.institution, record.region, record.captured_at) == ("北京校区", "北京", None)
    assert record.day is not None


def test_nothing_known_is_recorded_as_nothing(model: FakeModel, post: Post) -> None:
    assert post(BODY | {"institution": "", "region": None, "captured_at": None}).status_code == 200
    record = Prediction.objects.get()
    assert (record.institution, record.region, record.captured_at) == ("", "", None)


@pytest.mark.parametrize(
    ("sent", "moment"),
    [
        ("2026-11-20T09:30:00+08:00", datetime(2026, 11, 20, 1, 30, tzinfo=UTC)),
        ("2026-11-20T01:30:00Z", datetime(2026, 11, 20, 1, 30, tzinfo=UTC)),
        ("2026-11-20t01:30z", datetime(2026, 11, 20, 1, 30, tzinfo=UTC)),
        ("2026-11-20 09:30:00.123456789", datetime(2026, 11, 20, 1, 30, 0, 123456, tzinfo=UTC)),
        ("2026-11-20", datetime(2026, 11, 19, 16, tzinfo=UTC)),
        ("2000-01-01T00:00:00+23:59", datetime(1999, 12, 31, 0, 1, tzinfo=UTC)),
    ],
)
def test_a_time_without_a_zone_is_in_the_servers(model: FakeModel, post: Post, sent: str, moment: datetime) -> None:
    assert post(BODY | {"captured_at": sent}).status_code == 200
    assert Prediction.objects.get().captured_at == moment


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("institution", 7, "must be a JSON string"),
        ("institution", ["北京"], "must be a JSON string"),
        ("institution", "a" * 256, "must have at most 255 characters"),
        ("institution", "a\nb", "must not hold control characters"),
        ("region", False, "must be a JSON string"),
        ("region", "a" * 65, "must have at most 64 characters"),
        ("region", "\u0000", "must not hold control characters"),
        *(
            ("captured_at", text, "must be a time in ISO 8601 from 2000 to 2099, such as 2026-11-20T09:30:00+08:00")
            for text in (
                "", "yesterday", "1999-12-31", "2100-01-01", "0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z",
                "2026-02-30", "2026-11-20T25:00", "2026-11-20T09:30:00+24:00", "2026-11-20\n", "20261120",
                "2026-W47-5", "２０２６-11-20", "1763602200", "2026-11-20T09:30:60Z",
            )
        ),
        ("captured_at", 1763602200, "must be a JSON string"),
    ],
)  # fmt: skip
def test_a_wrong_field_is_refused_by_name_and_recorded(
    model: FakeModel, post: Post, field: str, value: object, said: str
) -> None:
    response = post(BODY | {field: value})
    error = response.json()["error"]
    assert (response.status_code, error["code"], error["field"]) == (400, "invalid_request", field)
    assert error["message"] == f"{field} {said}."
    record = Prediction.objects.get()
    assert (record.image_id, record.error_code) == ("12345", "invalid_request")
    assert record.day is not None
    assert model.requests == []


def test_the_day_follows_the_time_zone_of_the_report(model: FakeModel, post: Post, change: Change) -> None:
    change(report_time_zone=ZoneInfo("America/Los_Angeles"))
    post(BODY | {"captured_at": "2026-11-20T01:30:00Z"})
    assert Prediction.objects.get().day == date(2026, 11, 19)


def test_records_made_in_bulk_have_a_day_too(change: Change) -> None:
    at = datetime(2026, 11, 20, 20, tzinfo=UTC)
    facts: dict[str, Any] = {"client": "c", "request_id": "r", "result": "online", "created_at": at}
    Prediction.objects.bulk_create(
        [Prediction(image_id="1", **facts), Prediction(image_id="2", **facts, captured_at=at)]
    )
    assert set(Prediction.objects.values_list("day", flat=True)) == {date(2026, 11, 21)}


def test_a_refused_photo_keeps_its_institution(model: FakeModel, post: Post) -> None:
    model.reply = Reply(b"banana")
    assert post(BODY | {"institution": "清华大学"}).status_code == 502
    assert Prediction.objects.get().institution == "清华大学"
