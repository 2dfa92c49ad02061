"""The numbers are right across processes, outlive them, and are told to nobody who may not ask."""

import re
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from requests.adapters import HTTPAdapter

from tests.conf.names import named
from tests.e2e.rollout import deploy
from tests.e2e.stack import Load, Stack, running_stack, sigkill, status_of, wait_for

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


def recorded(stack: Stack) -> int:
    return int(stack.sql("select count(*) from Pm_prediction where result <> ''")[0][0])


def wait_until_counted(stack: Stack) -> None:
    """Answers are counted soon after they are given: wait for all that are recorded."""
    wait_for(lambda: total(gateway(stack), "pm_gateway_answers_total") == recorded(stack))


def model_that_has_counted(stack: Stack) -> dict[str, float]:
    """resnet_server1's numbers, with all that came before in them: each request is counted, then logged, in turn."""
    request_id = uuid.uuid4().hex
    requests.post(
        f"http://127.0.0.1:{stack.ports['model1']}/v1/is_online/", headers={"X-Request-ID": request_id}, timeout=10
    )
    wait_for(lambda: any(event.get("request_id") == request_id for event in stack.log("res1_out.log")))
    return model(stack)


def test_known_traffic_gives_exact_numbers_across_processes(counted: Stack) -> None:
    wait_until_counted(counted)
    before, model_before = gateway(counted), model_that_has_counted(counted)
    with Load(counted, clients=6) as load:
        load.wait_for_answers(40)
    for _ in range(3):
        assert counted.post(b"no picture").status_code == 400
    assert load.failures == []
    sent = len(load.answers)
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
    wait_for(lambda: gateway(counted)["pm_gateway_in_flight_requests"] == 0)
    assert grown(model_before, model_after, "pm_model_requests_total", 'status="200"') == sent
    assert total(after, "pm_gateway_answers_total") == recorded(counted)
    assert len(list((counted.root / "var/run/metrics/main_server").glob("counter_*.db"))) == 3  # all three counted


def test_workers_that_are_replaced_while_they_answer_take_no_line_along(counted: Stack) -> None:
    def answers_logged() -> int:
        events = counted.log("main_server_out.log")
        return sum((event.get("path"), event.get("status")) == ("/api/v1/get_pm", 200) for event in events)

    old = set(counted.children("main_server"))
    with Load(counted, clients=6) as load:
        load.wait_for_answers(10)
        counted.ctl("signal", "HUP", "main_server")
        wait_for(lambda: len(new := counted.children("main_server")) == len(old) and not old & set(new))
    assert load.failures == []
    wait_for(lambda: answers_logged() == recorded(counted))


def test_the_gateways_numbers_go_on_when_workers_are_killed(counted: Stack) -> None:
    with Load(counted, clients=6) as load:
        load.wait_for_answers(10)
    wait_until_counted(counted)
    before = total(gateway(counted), "pm_gateway_answers_total")
    for _ in range(3):
        with Load(counted, clients=6) as load:  # a load a kill: who meets two is told 503
            load.wait_for_answers(10)
            sigkill(counted.children("main_server")[0])
        assert load.failures == []
    wait_for(lambda: len(counted.children("main_server")) == 3)
    assert counted.post().status_code == 200
    # What a worker answered just before it was killed it had not yet counted.
    wait_for(lambda: before < total(gateway(counted), "pm_gateway_answers_total") <= recorded(counted))
    wait_for(lambda: gateway(counted)["pm_gateway_in_flight_requests"] == 0)
    files = {path.name for path in (counted.root / "var/run/metrics/main_server").iterdir()}
    assert files == {f"{kind}_{n}.db" for kind in ("counter", "histogram", "gauge_livesum") for n in (1, 2, 3)}


def test_a_model_servers_numbers_go_on_across_hups_and_kills(counted: Stack) -> None:
    before = model_that_has_counted(counted)
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
            sigkill(old[0])
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


@pytest.mark.parametrize("command", [("restart",), ("signal", "HUP")], ids=" ".join)
@pytest.mark.parametrize(
    ("program", "log"), [("main_server", "main_server_out.log"), ("resnet_server1", "res1_out.log")]
)
def test_a_worker_that_ends_as_it_is_told_takes_no_line_along(
    counted: Stack, program: str, log: str, command: tuple[str, ...]
) -> None:
    ids = {f"{'-'.join(command)}-{program}-{number}" for number in range(12)}
    old = set(counted.children(program))
    for request_id in ids:
        assert counted.post(headers={"X-Request-ID": request_id}).status_code == 200
    counted.ctl(*command, program)
    wait_for(lambda: len(new := counted.children(program)) == len(old) and not old & set(new))
    counted.wait_ready()
    wait_for(lambda: ids <= {event.get("request_id") for event in counted.log(log)})


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
    wanted = named(Path(counted.root / file).read_text(encoding="utf-8"))
    assert wanted

    def missing() -> set[str]:
        return wanted - {re.split(r"[{ ]", key)[0] for key in {**gateway(counted), **model(counted)}}

    wait_for(lambda: not missing())
