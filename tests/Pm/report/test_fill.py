"""fill_report_fields: old records are counted, what clients sent stays, an interrupted run goes on."""

from datetime import UTC, date, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.core.management import CommandError, call_command
from django.db import OperationalError

from Pm.models import Prediction
from Pm.report import fill
from tests.conftest import Change

pytestmark = pytest.mark.django_db
AT = datetime(2026, 11, 20, 20, tzinfo=UTC)
FACTS: dict[str, Any] = {"client": "c", "request_id": "r", "result": "online", "created_at": AT}


@pytest.fixture(autouse=True)
def small_batches(change: Change, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fill, "BATCH", 2)


@pytest.fixture
def old_records() -> None:
    ids = ["北京校区Java学科12期", "12345", "广州校区/UI学科/3期"]
    Prediction.objects.bulk_create([Prediction(image_id=image_id, **FACTS) for image_id in ids])
    Prediction.objects.update(day=None)


def state() -> list[tuple[Any, ...]]:
    return list(Prediction.objects.order_by("pk").values_list("institution", "region", "day"))


def test_old_records_are_filled_in_batches(old_records: None, capsys: pytest.CaptureFixture[str]) -> None:
    call_command("fill_report_fields")
    day = date(2026, 11, 21)
    assert state() == [("北京校区", "北京", day), ("", "", day), ("广州校区", "广东", day)]
    out, err = capsys.readouterr()
    assert out == "Filled 3 records.\n"
    assert len(err.splitlines()) == 2
    assert err.endswith("(100 %)\n")


def test_filled_records_are_left_alone(old_records: None, capsys: pytest.CaptureFixture[str]) -> None:
    Prediction.objects.filter(image_id="12345").update(institution="清华大学", day=date(2026, 1, 1))
    call_command("fill_report_fields")
    assert state()[1] == ("清华大学", "", date(2026, 1, 1))
    assert "Filled 2 records." in capsys.readouterr().out


def test_all_of_them_follow_another_time_zone(
    old_records: None, change: Change, capsys: pytest.CaptureFixture[str]
) -> None:
    call_command("fill_report_fields")
    change(report_time_zone=ZoneInfo("UTC"))
    call_command("fill_report_fields")
    assert state()[1] == ("", "", date(2026, 11, 21))
    call_command("fill_report_fields", "--all")
    assert [row[2] for row in state()] == [date(2026, 11, 20)] * 3
    assert capsys.readouterr().out.splitlines() == ["Filled 3 records.", "Filled 0 records.", "Filled 3 records."]


def test_no_records_are_no_error(capsys: pytest.CaptureFixture[str]) -> None:
    call_command("fill_report_fields")
    assert capsys.readouterr().out == "Filled 0 records.\n"


def test_a_database_that_fails_is_told(old_records: None, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_: object) -> None:
        raise OperationalError("disk full")

    monkeypatch.setattr(fill, "_write", fail)
    with pytest.raises(
        CommandError, match=r"Stopped: disk full\. What was filled stays filled; run it again to go on\."
    ):
        call_command("fill_report_fields")
