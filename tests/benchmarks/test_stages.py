import pytest

from benchmarks import stages
from benchmarks.errors import BenchmarkError
from benchmarks.stages import PARTS, Counted, add, counted, split
from tests.fake_model import FakeModel, Reply

GATEWAY = """
# TYPE pm_gateway_request_duration_seconds histogram
pm_gateway_request_duration_seconds_bucket{le="+Inf"} 4
pm_gateway_request_duration_seconds_count 4
pm_gateway_request_duration_seconds_sum 0.08
# TYPE pm_gateway_stage_duration_seconds histogram
pm_gateway_stage_duration_seconds_sum{stage="parse"} 0.002
pm_gateway_stage_duration_seconds_count{stage="parse"} 4
pm_gateway_stage_duration_seconds_sum{stage="model"} 0.068
pm_gateway_stage_duration_seconds_sum{stage="store"} 0.0004
pm_gateway_stage_duration_seconds_sum{stage="record"} 0.002
# TYPE pm_gateway_score histogram
pm_gateway_score_sum{result="online",version="a"} 3.6
"""
MODEL_SERVER = """
# TYPE pm_model_request_duration_seconds histogram
pm_model_request_duration_seconds_count 4
pm_model_request_duration_seconds_sum 0.032
# TYPE pm_model_stage_duration_seconds histogram
pm_model_stage_duration_seconds_sum{stage="queue"} 0.0004
pm_model_stage_duration_seconds_sum{stage="preprocess"} 0.01
pm_model_stage_duration_seconds_sum{stage="inference"} 0.02
"""


def test_a_photos_time_is_split_into_parts_that_add_up_to_what_its_client_waited() -> None:
    after = Counted(float)
    for text in (GATEWAY, MODEL_SERVER, MODEL_SERVER):  # both model servers have answered half
        add(after, text)
    found = split(Counted(float), after, client_ms=21.5)
    assert {part: round(ms, 6) for part, ms in found.items()} == {
        "client, nginx, uwsgi": 1.5,
        "Django, DRF": 1.9,
        "body, JSON, base64, header": 0.5,
        "hop: nginx, gunicorn": 1.0,
        "model server besides": 0.8,
        "queue": 0.2,
        "decode, resize": 5.0,
        "inference": 10.0,
        "naming the picture": 0.1,
        "record": 0.5,
    }
    assert tuple(found) == PARTS
    assert sum(found.values()) == pytest.approx(21.5)


def test_what_was_counted_before_is_no_part_of_it() -> None:
    before, after = Counted(float), Counted(float)
    for text in (GATEWAY, MODEL_SERVER):
        add(before, text)
    for text in (GATEWAY, MODEL_SERVER) * 3:
        add(after, text)
    assert split(before, after, 21.5)["inference"] == pytest.approx(5.0)
    with pytest.raises(BenchmarkError, match="No request was counted"):
        split(after, after, 21.5)


def test_what_all_parts_tell_is_added_and_one_that_tells_nothing_is_an_error(
    spare_model: FakeModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stages, "COUNTED_S", 0)
    url = f"http://{spare_model.address}/metrics"
    spare_model.ready = Reply(GATEWAY.encode())
    assert counted((url, url))["requests"] == 8
    spare_model.ready = Reply(GATEWAY.encode(), status=404)
    with pytest.raises(BenchmarkError, match="tells no numbers"):
        counted((url,))
    assert counted(()) == {}
