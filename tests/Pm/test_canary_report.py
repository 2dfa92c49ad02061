"""The report of a canary: exact numbers of both versions, on the terminal and in the admin."""

from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import call_command
from django.test import Client
from django.utils import timezone

from Pm.canary_report import Answer, Side, canary_report, report_text
from Pm.models import Comparison, ModelVersion, Prediction, RollOut
from tests.conftest import Change

pytestmark = pytest.mark.django_db
NOW = timezone.now()


@pytest.fixture(autouse=True)
def plain_settings(change: Change) -> None: ...


def roll_out(**facts: object) -> RollOut:
    version = ModelVersion.objects.create(version="v2", sha256="0", manifest={})
    return RollOut.objects.create(
        artifact="a",
        version=version,
        target="v2",
        before={"resnet_server1": "v1", "resnet_server2": "v1"},
        by="anna",
        process=1,
        state="canary",
        percent=5,
        share_from=NOW - timedelta(hours=1),
        **facts,
    )


def answered(version: str, *, canary: bool | None, result: str = "online", score: float = 0.95, ms: float = 10) -> None:
    Prediction.objects.create(
        image_id="1",
        client="c",
        request_id="r",
        model_version=version,
        canary=canary,
        result=result,
        score=score,
        stage_ms={"model": ms},
    )


def refused(code: str, *, canary: bool | None) -> None:
    Prediction.objects.create(image_id="1", client="c", request_id="r", canary=canary, error_code=code)


def lines_of(row: RollOut) -> list[str]:
    return [" ".join(line.split()) for line in report_text(canary_report(row)).splitlines()]


def test_both_versions_are_counted_by_share_and_by_who_answered() -> None:
    row = roll_out()
    for ms in range(1, 11):
        answered("v2", canary=True, ms=ms, score=0.55, result="offline" if ms > 4 else "online")
        answered("v1", canary=False, ms=10 * ms)
    answered("v1", canary=False, ms=5000, result="offline", score=1.0)
    answered("v1", canary=True, ms=9000)  # fell back
    answered("v2", canary=False, ms=9000)  # the primary was busy
    answered("v1", canary=None, ms=9000)  # before the canary
    refused("invalid_image", canary=True)
    refused("invalid_image", canary=False)
    refused("model_timeout", canary=False)
    refused("invalid_base64", canary=None)
    report = canary_report(row)
    one, other = report.canary, report.stable
    assert (one.requests, one.answered, one.by_other, one.online, dict(one.errors)) == (
        12,
        10,
        1,
        4,
        {"invalid_image": 1},
    )
    assert (other.requests, other.answered, other.by_other, other.online) == (14, 11, 1, 10)
    assert dict(other.errors) == {"invalid_image": 1, "model_timeout": 1}
    assert lines_of(row)[3:] == [
        "v2 v1",
        "canary stable",
        "requests of its share 12 14",
        "answered 10 11",
        "answered by the other 1 1",
        "errors 1 2",
        "invalid_image 1 1",
        "model_timeout 0 1",
        "p50, ms 6.0 60.0",
        "p95, ms 10.0 5000.0",
        "p99, ms 10.0 5000.0",
        "online 40.0 % 90.9 %",
        "score 0.5 to 0.6 100.0 % 0.0 %",
        "score 0.6 to 0.7 0.0 % 0.0 %",
        "score 0.7 to 0.8 0.0 % 0.0 %",
        "score 0.8 to 0.9 0.0 % 0.0 %",
        "score 0.9 to 1.0 0.0 % 100.0 %",
    ]


def test_only_the_time_of_its_share_counts() -> None:
    row = roll_out(share_until=NOW - timedelta(minutes=30))
    answered("v2", canary=True)
    Prediction.objects.update(created_at=NOW - timedelta(hours=2))
    answered("v2", canary=True)
    Prediction.objects.filter(created_at__gt=NOW - timedelta(hours=1)).update(created_at=NOW)
    answered("v2", canary=True)
    Prediction.objects.filter(created_at__gt=NOW).update(created_at=NOW - timedelta(minutes=45))
    assert canary_report(row).canary.requests == 1


def test_a_canary_without_requests_is_told_without_numbers() -> None:
    lines = lines_of(roll_out())
    assert lines[0] == "v2: canary, answers 5 % of the requests; by anna"
    assert lines[1].startswith("5 % of the requests, 20")
    assert lines[1].endswith(" UTC to now")
    assert "p50, ms - -" in lines
    assert "online - -" in lines
    assert "score 0.9 to 1.0 - -" in lines


def test_a_canary_that_was_refused_is_told_with_its_reason() -> None:
    row = roll_out(error="model.onnx is damaged")
    RollOut.objects.update(share_from=None, state="refused")
    row.refresh_from_db()
    assert lines_of(row)[:3] == [
        "v2: refused, nothing was changed; by anna",
        "5 % of the requests, - UTC to now",
        "model.onnx is damaged",
    ]


def compared(row: RollOut, name: str, stable: str, shadow: str, code: str = "") -> None:
    Comparison.objects.create(
        roll_out=row,
        image_id=name,
        content_sha256="ab" * 32,
        request_id="r",
        stable_result=stable,
        stable_score=0.9,
        stable_ms=20,
        shadow_result=shadow,
        shadow_score=None if code else 0.6,
        shadow_ms=40,
        error_code=code,
        agrees=None if code else stable == shadow,
    )


def test_a_shadow_is_told_with_how_often_it_agrees_and_on_what_it_does_not() -> None:
    row = roll_out(shadow=True)
    for number in range(8):
        compared(row, f"same-{number}", "online", "online")
    compared(row, "北京校区", "online", "offline")
    compared(row, "crashed", "offline", "", "model_unavailable")
    for _ in range(12):
        answered("v1", canary=True)
    report = canary_report(row)
    assert (report.agreed, report.canary.answered, report.not_copied) == (8, 9, 2)
    lines = lines_of(row)
    assert lines[4:9] == ["shadow stable", "copies 10 10", "answered 9 10", "errors 1 0", "model_unavailable 1 0"]
    assert "p50, ms 40.0 20.0" in lines
    assert "online 88.9 % 90.0 %" in lines
    assert lines[-3:] == [
        "They agree on 8 of 9 (88.9 %).",
        "2 more of the share were not copied: the shadow was busy, or they wait.",
        f"北京校区: online 0.9000, shadow offline 0.6000 sha256 {'ab' * 32}",
    ]


def test_only_the_newest_disagreements_are_listed() -> None:
    row = roll_out(shadow=True)
    for number in range(11):
        compared(row, f"photo-{number}", "online", "offline")
    lines = lines_of(row)
    assert lines[-11].startswith("photo-10:")
    assert lines[-1] == "… the admin lists all under Comparisons."


def test_quantiles_and_scores_are_exact() -> None:
    side = Side(sample=[Answer(ms, score) for ms, score in [(3, 0.5), (1, 0.599), (2, 0.75), (4, 1.0)]])
    assert [side.quantile_ms(quantile) for quantile in (0, 0.25, 0.5, 0.99)] == [1, 2, 3, 4]
    assert side.score_shares() == [0.5, 0, 0.25, 0, 0.25]
    assert Side().quantile_ms(0.5) is None


def test_the_report_is_the_same_in_the_admin(admin_client: Client) -> None:
    row = roll_out(shadow=True)
    compared(row, "<b>北京校区</b>", "online", "offline")
    out = StringIO()
    call_command("canary", "--report", stdout=out)
    page = admin_client.get(f"/admin/Pm/rollout/{row.pk}/change/").content.decode()
    assert "They agree on 0 of 1 (0.0 %)." in page
    assert "&lt;b&gt;北京校区&lt;/b&gt;: online 0.9000, shadow offline 0.6000" in page
    assert "<b>北京校区</b>" in out.getvalue()
    plain = RollOut.objects.create(artifact="b", before={}, by="anna", process=1)
    assert "They agree" not in admin_client.get(f"/admin/Pm/rollout/{plain.pk}/change/").content.decode()
    listed = admin_client.get("/admin/Pm/rollout/").content.decode()
    assert "shadow, sees copies 5 % of the requests" in listed


def test_comparisons_are_listed_and_those_that_disagree_are_found(admin_client: Client) -> None:
    row = roll_out(shadow=True)
    compared(row, "same", "online", "online")
    compared(row, "other", "online", "offline")
    page = admin_client.get("/admin/Pm/comparison/", {"agrees__exact": "0"}).content.decode()
    assert " 1 comparison " in " ".join(page.split())
    assert "other" in page
    assert "0.6" in page
    one = Comparison.objects.get(image_id="same")
    assert str(one) == "same: online, online"
    assert admin_client.get(f"/admin/Pm/comparison/{one.pk}/change/").status_code == 200
    assert admin_client.post(f"/admin/Pm/comparison/{one.pk}/delete/", {"post": "yes"}).status_code == 403


def test_comparisons_go_with_the_records_of_their_age() -> None:
    row = roll_out(shadow=True)
    compared(row, "old", "online", "online")
    Comparison.objects.update(created_at=NOW - timedelta(days=40))
    compared(row, "new", "online", "online")
    call_command("prune_predictions", "--older-than-days", "30", "--dry-run", verbosity=0, stdout=StringIO())
    assert Comparison.objects.count() == 2
    call_command("prune_predictions", "--older-than-days", "30", verbosity=0, stdout=StringIO())
    assert Comparison.objects.get().image_id == "new"
