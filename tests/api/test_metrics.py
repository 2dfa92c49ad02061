"""/metrics: what the gateway counts of a request, and what it says when the database is away."""

from unittest.mock import patch

import pytest
from django.db import OperationalError
from django.test import Client
from prometheus_client.parser import text_string_to_metric_families

from Pm.models import ModelVersion, RollOut
from tests.conftest import Post
from tests.fake_model import FakeModel, Reply

pytestmark = pytest.mark.django_db
Numbers = dict[tuple[str, frozenset[tuple[str, str]]], float]


def numbers(client: Client) -> Numbers:
    """Every sample of the page, by name and labels."""
    reply = client.get("/metrics")
    assert reply.status_code == 200
    assert reply["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
    families = text_string_to_metric_families(reply.content.decode())
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in families
        for sample in family.samples
    }


def grown(before: Numbers, after: Numbers, name: str, **labels: str) -> float:
    key = (name, frozenset(labels.items()))
    return after.get(key, 0) - before.get(key, 0)


def test_an_answer_is_counted_by_status_result_version_stage_and_score(
    client: Client, post: Post, model: FakeModel
) -> None:
    before = numbers(client)
    assert post().status_code == 200
    after = numbers(client)
    version = {"version": "default-0a1b2c3d", "result": "offline"}
    assert grown(before, after, "pm_gateway_requests_total", status="200", code="") == 1
    assert grown(before, after, "pm_gateway_request_duration_seconds_count") == 1
    assert grown(before, after, "pm_gateway_answers_total", **version) == 1
    assert grown(before, after, "pm_gateway_score_bucket", le="0.95", **version) == 0
    assert grown(before, after, "pm_gateway_score_bucket", le="0.99", **version) == 1
    for stage in ("parse", "model", "store", "record"):
        assert grown(before, after, "pm_gateway_stage_duration_seconds_count", stage=stage) == 1
    assert after["pm_gateway_in_flight_requests", frozenset()] == 0


def test_a_refusal_is_counted_by_its_code_and_is_no_answer(client: Client, post: Post, model: FakeModel) -> None:
    before = numbers(client)
    assert post({"image_id": "1", "image_base64": "%"}).status_code == 400
    model.reply = Reply(b"banana")
    assert post().status_code == 502
    after = numbers(client)
    assert grown(before, after, "pm_gateway_requests_total", status="400", code="invalid_base64") == 1
    assert grown(before, after, "pm_gateway_requests_total", status="502", code="bad_model_reply") == 1
    assert sum(after[key] - before.get(key, 0) for key in after if key[0] == "pm_gateway_answers_total") == 0


def test_what_a_client_sends_is_no_label(client: Client, post: Post, model: FakeModel) -> None:
    post({"image_id": "a-telling-name", "image_base64": "%"}, HTTP_X_REQUEST_ID="a-telling-id")
    client.get("/a-telling-path")
    assert b"a-telling" not in client.get("/metrics").content


def test_pages_other_than_get_pm_are_not_counted(client: Client) -> None:
    before = numbers(client)
    client.get("/healthz")
    client.get("/nowhere")
    after = numbers(client)
    assert [key for key in after if key[0] == "pm_gateway_requests_total" and after[key] != before.get(key)] == []


@pytest.mark.usefixtures("every_process_is_a_command")
def test_roll_outs_are_told_by_how_they_ended(client: Client) -> None:
    version = ModelVersion.objects.create(version="v2", sha256="0", manifest={})
    for state, process in (("done", 1), ("undone", 1), ("running", 1), ("running", 2**22)):
        RollOut.objects.create(before={}, by="anna", process=process, state=state, version=version)
    told = numbers(client)
    ended = {
        dict(labels)["state"]: value for (name, labels), value in told.items() if name == "pm_gateway_roll_outs_total"
    }
    assert ended == {"done": 1, "undone": 1, "refused": 0, "failed": 0}
    assert told["pm_gateway_roll_outs_running", frozenset()] == 1
    assert told["pm_gateway_roll_outs_interrupted", frozenset()] == 1
    assert told["pm_gateway_active_model_info", frozenset({("version", "v2")})] == 1
    assert told["pm_gateway_database_up", frozenset()] == 1
    assert told["pm_gateway_disk_free_bytes", frozenset()] > 0


def test_a_database_that_is_away_is_told_and_hides_nothing_else(client: Client) -> None:
    with patch("api.metrics.roll_out_facts", side_effect=OperationalError("gone")):
        told = numbers(client)
    assert told["pm_gateway_database_up", frozenset()] == 0
    assert ("pm_gateway_in_flight_requests", frozenset()) in told
    assert not any(name.startswith("pm_gateway_roll_outs") for name, _ in told)


def test_the_page_is_read_only_and_in_no_document(client: Client) -> None:
    reply = client.post("/metrics")
    assert (reply.status_code, reply["Allow"]) == (405, "GET, HEAD")
    assert "/metrics" not in client.get("/api/schema/").json()["paths"]
