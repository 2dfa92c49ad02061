"""The numbers are right across processes, outlive them, and are told to nobody who may not ask."""

import os
import re
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from requests.adapters import HTTPAdapter

from tests.conf.names import named
from tests.e2e.rollout import deploy
from tests.e2e.stack import Load, Stack, running_stack, status_of, wait_for

pytestmark = pytest.mark.e2e


@pytest.fixture(scope="module")
def counted(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """A stack with several gateway processes, whose numbers another address may read."""
    with running_stack(
        tmp_path_factory.mktemp("counted"), GATEWAY_PROCESSES="3", CLIENT_RATE_PER_S="0", METRICS_ALLOW="127.0.0.2/32"
    ) as stack:
        yield stack


def page(url: str) -> dict[str, float]:
    """Every sample of a page of numbers."""
    lines = [line for line in requests.get(url, timeout=10).text.splitlines() if not line.startswith("#")]
    return {name: float(value) for name, value in (line.rsplit(" ", 1) for line in lines)}


def gateway(stack: Stack) -> dict[str, float]:
    return page(f"http://127.0.0.1:{stack.ports['internal']}/metrics")


def model(stack: Stack, server: str = "model1") -> dict[str, float]:
    return page(f"http://127.0.0.1:{stack.ports[server]}/metrics")


def total(numbers: dict[str, float], name: str, label: str = "") -> float:
    return sum(value for key, value in numbers.items() if key.split("{")[0] == name and label in key)


def grown(before: dict[str, float], after: dict[str, float], name: str, label: str = "") -> float:
    return total(after, name, label) - total(before, name, label)


def test_known_traffic_gives_exact_numbers_across_processes(counted: Stack) -> None:
    before, model_before = gateway(counted), model(counted)
    with Load(counted, clients=6) as load:
        load.wait_for_answers(40)
    for _ in range(3):
        assert counted.post(b"no picture").status_code == 400
    assert load.failures == []
    sent = len(load.answers)
    # They are counted once the answer is on its way.
    wait_for(lambda: grown(before, gateway(counted), "pm_gateway_requests_total") >= sent + 3)
    wait_for(lambda: grown(model_before, model(counted), "pm_model_requests_total") >= sent + 3)
    after, model_after = gateway(counted), model(counted)
    assert grown(before, after, "pm_gateway_requests_total", 'status="200"') == sent
    assert grown(before, after, "pm_gateway_requests_total", 'code="invalid_image",status="400"') == 3
    assert grown(before, after, "pm_gateway_requests_total") == sent + 3
    assert grown(before, after, "pm_gateway_request_duration_seconds_count") == sent + 3
    assert grown(before, after, "pm_gateway_answers_total", 'result="online"') == sent
    assert grown(before, after, "pm_gateway_score_count") == sent
    assert grown(before, after, "pm_gateway_stage_duration_seconds_count", 'stage="record"') == sent
    assert after["pm_gateway_in_flight_requests"] == 0
    assert grown(model_before, model_after, "pm_model_requests_total", 'status="200"') == sent
    recorded = counted.sql("select count(*) from Pm_prediction where result <> ''")[0][0]
    assert total(after, "pm_gateway_answers_total") == recorded
    assert len(list((counted.root / "var/run/metrics/main_server").glob("counter_*.db"))) == 3  # all three counted


def test_a_killed_gateway_worker_takes_no_number_along(counted: Stack) -> None:
    with Load(counted, clients=6) as load:
        for _ in range(3):
            load.wait_for_answers(10)
            os.kill(counted.children("main_server")[0], signal.SIGKILL)
    assert load.failures == []
    wait_for(lambda: len(counted.children("main_server")) == 3)
    time.sleep(0.5)
    assert counted.post().status_code == 200
    numbers = gateway(counted)
    answered = counted.sql("select count(*) from Pm_prediction where result <> ''")[0][0]
    # A worker that is killed between its record and its count has counted one answer too few.
    assert answered - 3 <= total(numbers, "pm_gateway_answers_total") <= answered
    wait_for(lambda: gateway(counted)["pm_gateway_in_flight_requests"] == 0)
    files = {path.name for path in (counted.root / "var/run/metrics/main_server").iterdir()}
    assert files == {f"{kind}_{n}.db" for kind in ("counter", "histogram", "gauge_livesum") for n in (1, 2, 3)}


def test_a_model_servers_numbers_go_on_across_hups_and_kills(counted: Stack) -> None:
    before = model(counted)
    sent = 0
    for change in ("HUP", "HUP", "KILL", "HUP"):
        for _ in range(3):
            assert counted.post().status_code == 200
        sent += 3
        wait_for(lambda sent=sent: grown(before, model(counted), "pm_model_requests_total") == sent)  # type: ignore[misc]
        old = counted.children("resnet_server1")
        if change == "HUP":
            counted.ctl("signal", "HUP", "resnet_server1")
        else:
            os.kill(old[0], signal.SIGKILL)
        wait_for(lambda old=old: len(new := counted.children("resnet_server1")) == 1 and new != old)  # type: ignore[misc]
        counted.wait_ready()
    after = model(counted)
    assert grown(before, after, "pm_model_requests_total") == sent
    assert after[f'pm_model_info{{slot="resnet_server1",version="{version(counted)}"}}'] == 1
    files = [path.name for path in (counted.root / "var/run/metrics/resnet_server1").iterdir()]
    assert len(files) <= 6, files


class FromElsewhere(HTTPAdapter):
    """Asks from 127.0.0.2."""

    def init_poolmanager(self, *arguments: Any, **options: Any) -> None:
        super().init_poolmanager(*arguments, source_address=("127.0.0.2", 0), **options)


def version(stack: Stack) -> str:
    return stack.post().headers["X-Model-Version"]


def test_the_next_start_counts_from_zero(counted: Stack) -> None:
    assert counted.post().status_code == 200
    counted.ctl("restart", "main_server")
    counted.wait_ready()
    assert total(gateway(counted), "pm_gateway_requests_total") == 0


def test_only_who_is_let_in_reads_the_numbers_at_the_public_port(counted: Stack) -> None:
    assert status_of(f"{counted.url}/metrics") == 404
    assert status_of(f"{counted.url}/metrics/resnet_server1") == 404
    assert status_of(f"{counted.url}//metrics") == 404
    with requests.Session() as session:
        session.mount("http://", FromElsewhere())
        for path, name in (
            ("/metrics", "pm_gateway_in_flight_requests"),
            ("/metrics/resnet_server1", 'pm_model_info{slot="resnet_server1"'),
            ("/metrics/resnet_server2", 'pm_model_info{slot="resnet_server2"'),
        ):
            reply = session.get(counted.url + path, timeout=10)
            assert (reply.status_code, name in reply.text) == (200, True), path
        assert session.get(f"{counted.url}/metrics/other", timeout=10).status_code == 404


def test_by_default_nobody_reads_them_at_the_public_port(stack: Stack) -> None:
    reply = requests.get(f"{stack.url}/metrics", timeout=10)
    assert (reply.status_code, reply.json()["error"]["code"]) == (404, "not_found")
    assert status_of(f"http://127.0.0.1:{stack.ports['internal']}/metrics") == 200


@pytest.mark.parametrize("file", ["conf/prometheus/alerts.yml", "conf/grafana/pm.json"])
def test_every_metric_that_is_drawn_or_alerted_on_is_told(counted: Stack, file: str) -> None:
    deploy(counted, "resnet_server/default_model")
    counted.post()
    counted.post(b"no picture")
    told = {re.split(r"[{ ]", key)[0] for key in {**gateway(counted), **model(counted)}}
    wanted = named(Path(counted.root / file).read_text(encoding="utf-8"))
    assert wanted
    assert wanted <= told, wanted - told
