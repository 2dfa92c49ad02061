"""A model server's /metrics: pictures by status, stages, the queue and the model."""

import threading

import pytest
from flask.testing import FlaskClient

from resnet_server.admission import Admission
from resnet_server.errors import BusyError
from tests.pictures import encode, screen


def numbers(client: FlaskClient) -> dict[str, float]:
    reply = client.get("/metrics")
    assert reply.status_code == 200
    lines = [line for line in reply.text.splitlines() if not line.startswith("#")]
    return {name: float(value) for name, value in (line.rsplit(" ", 1) for line in lines)}


def test_pictures_are_counted_by_status_and_stage(client: FlaskClient, way: dict[str, str]) -> None:
    before = numbers(client)
    for data, status in ((encode(screen(32, 40)), 200), (b"no picture", 400)):
        reply = client.post("/v1/is_online/", data=data, headers=way)
        assert reply.status_code == status
        reply.close()  # as a server does once it has sent it: then it is counted
    client.get("/v1/model")
    after = numbers(client)
    grown = {name: value - before.get(name, 0) for name, value in after.items() if value != before.get(name, 0)}
    assert grown['pm_model_requests_total{code="",status="200"}'] == 1
    assert grown['pm_model_requests_total{code="invalid_image",status="400"}'] == 1
    assert grown["pm_model_request_duration_seconds_count"] == 2
    for stage in ("queue", "preprocess", "inference"):
        assert grown[f'pm_model_stage_duration_seconds_count{{stage="{stage}"}}'] == 1


def test_the_model_and_the_queue_are_told(client: FlaskClient) -> None:
    told = numbers(client)
    assert told['pm_model_info{slot="resnet_server1",version="tiny-1"}'] == 1
    assert told["pm_model_in_flight_requests"] == 0
    assert told["pm_model_queue_depth"] == 0
    assert told["pm_model_queue_size"] == 32


def test_who_works_and_who_waits_is_known_and_forgotten() -> None:
    admission = Admission(slots=1, queue_size=1, patience_s=10)
    done = threading.Event()

    def work() -> None:
        with admission.slot():
            done.wait(10)

    threads = [threading.Thread(target=work) for _ in range(2)]
    for thread in threads:
        thread.start()
    while (admission.working, admission.waiting) != (1, 1):
        done.wait(0.01)
    with pytest.raises(BusyError), admission.slot():
        pass
    assert (admission.working, admission.waiting) == (1, 1)
    done.set()
    for thread in threads:
        thread.join()
    assert (admission.working, admission.waiting) == (0, 0)
