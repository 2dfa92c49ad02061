"""The model client: where it asks, in which order, for how long, and what failures become."""

import socket
import sys
import threading
import time
from collections.abc import Iterator
from typing import Any, cast

import httptools
import pytest

from Pm.client import UNAVAILABLE, ModelClient, remaining_s, server_state
from Pm.connection import Connection
from Pm.errors import ApiError, ModelTimeoutError, ModelUnavailableError
from tests.e2e.stack import wait_for
from tests.fake_model import FakeModel, Reply


@pytest.fixture
def balancer() -> Iterator[FakeModel]:
    server = FakeModel()
    yield server
    server.stop()


def ask(*addresses: str, timeout_s: float = 5.0) -> str:
    client = ModelClient(tuple(f"http://{address}" for address in addresses), timeout_s)
    try:
        return client.classify(b"image", "id").result
    finally:
        client.close()


def test_balancer_alone_is_asked_while_it_answers(balancer: FakeModel, spare_model: FakeModel) -> None:
    assert ask(balancer.address, spare_model.address) == "offline"
    assert (len(balancer.requests), len(spare_model.requests)) == (1, 0)


def test_servers_are_asked_when_the_balancer_refuses_connections(unused_port: int, spare_model: FakeModel) -> None:
    assert ask(f"127.0.0.1:{unused_port}", spare_model.address) == "offline"


def test_servers_are_asked_when_the_balancer_breaks_the_connection(balancer: FakeModel, spare_model: FakeModel) -> None:
    balancer.reply = Reply(broken=True)
    assert ask(balancer.address, spare_model.address) == "offline"
    assert len(balancer.requests) == 1


@pytest.mark.parametrize("code", ["model_unavailable", "busy"])
def test_reply_of_the_balancer_is_final(balancer: FakeModel, spare_model: FakeModel, code: str) -> None:
    balancer.reply = Reply({"error": {"code": code, "message": "It says so.", "request_id": "x"}}, 503)
    with pytest.raises(ApiError, match=r"^It says so\.$") as caught:
        ask(balancer.address, spare_model.address)
    assert caught.value.code == code
    assert (len(balancer.requests), len(spare_model.requests)) == (1, 0)


def test_picture_that_breaks_each_server_is_tried_once_on_each(
    unused_port: int, balancer: FakeModel, spare_model: FakeModel
) -> None:
    balancer.reply = spare_model.reply = Reply(broken=True)
    with pytest.raises(ModelUnavailableError):
        ask(f"127.0.0.1:{unused_port}", balancer.address, spare_model.address)
    assert (len(balancer.requests), len(spare_model.requests)) == (1, 1)


def test_slow_answer_is_a_timeout_and_not_asked_again(balancer: FakeModel, spare_model: FakeModel) -> None:
    balancer.reply = Reply(silent=True)
    with pytest.raises(ModelTimeoutError):
        ask(balancer.address, spare_model.address, timeout_s=0.2)
    assert spare_model.requests == []


class SlowBreak(ModelClient):
    """Every connection breaks after a while; keeps how long each try might have taken."""

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self.limits_s: list[float] = []

    def _connection(self, url: str, deadline: float) -> Connection:
        self.limits_s.append(remaining_s(deadline))
        time.sleep(0.05)
        raise ModelUnavailableError(UNAVAILABLE) from ConnectionResetError(url)


def test_one_deadline_holds_for_all_tries() -> None:
    client = SlowBreak(("http://a", "http://b", "http://c"), 5.0)
    with pytest.raises(ModelUnavailableError):
        client.classify(b"image", "id")
    first_s, second_s, third_s = client.limits_s
    assert first_s <= 5.0
    assert second_s <= first_s - 0.05
    assert third_s <= second_s - 0.05


def test_no_server_is_asked_after_the_deadline() -> None:
    client = SlowBreak(("http://a", "http://b"), 0.05)
    with pytest.raises(ModelTimeoutError):
        client.classify(b"image", "id")
    assert len(client.limits_s) == 1


def test_no_server_at_all_is_unavailable(unused_port: int) -> None:
    with pytest.raises(ModelUnavailableError, match=r"^No model server answers; try again soon\.$"):
        ask(f"127.0.0.1:{unused_port}", f"127.0.0.1:{unused_port}")


def test_proxies_of_the_environment_are_not_used(
    balancer: FakeModel, unused_port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{unused_port}")
    assert ask(balancer.address) == "offline"


def test_connection_is_kept_for_the_next_picture(balancer: FakeModel) -> None:
    client = ModelClient((f"http://{balancer.address}",), 5.0)
    client.classify(b"1", "id")
    client.classify(b"2", "id")
    client.close()
    assert (len(balancer.requests), balancer.connections) == (2, 1)


def test_threads_that_find_all_connections_closed_at_once_each_make_a_new_one() -> None:
    client = ModelClient(("http://a",), 5.0)
    taken: list[Connection] = []

    def take() -> None:
        while kept := client._take("http://a"):
            taken.append(kept)

    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        for _ in range(300):
            client._idle["http://a"].extend(cast("list[Connection]", [object()] * 8))
            threads = [threading.Thread(target=take) for _ in range(4)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
    finally:
        sys.setswitchinterval(before)
    assert len(taken) == 300 * 8


def test_server_that_does_not_accept_in_time_is_left_for_the_next(
    spare_model: FakeModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    connect, limits_s = socket.create_connection, []

    def refuse_the_first(address: tuple[str, int], limit_s: float) -> socket.socket:
        limits_s.append(limit_s)
        if address[0] == "127.0.0.2":
            raise TimeoutError
        return connect(address, limit_s)

    monkeypatch.setattr(socket, "create_connection", refuse_the_first)
    assert ask("127.0.0.2:80", spare_model.address) == "offline"
    assert limits_s == [1.0, 1.0]


def test_name_that_cannot_be_one_is_unavailable() -> None:
    with pytest.raises(ModelUnavailableError):
        ask("a..b:80")


def test_connection_that_the_server_closed_meanwhile_is_not_used(balancer: FakeModel) -> None:
    client = ModelClient((f"http://{balancer.address}",), 5.0)
    client.classify(b"1", "id")
    balancer.hang_up()
    assert client.classify(b"2", "id").result == "offline"
    client.close()
    assert (len(balancer.requests), balancer.connections) == (2, 2)


def test_connection_that_the_server_wants_closed_is_not_kept(balancer: FakeModel) -> None:
    client = ModelClient((f"http://{balancer.address}",), 5.0)
    balancer.reply = Reply(headers={"Connection": "close"})
    client.classify(b"1", "id")
    client.classify(b"2", "id")
    client.close()
    assert (len(balancer.requests), balancer.connections) == (2, 2)


def test_something_is_done_while_the_model_works(balancer: FakeModel) -> None:
    client = ModelClient((f"http://{balancer.address}",), 5.0)
    balancer.reply = Reply(silent=True)

    def meanwhile() -> None:
        wait_for(lambda: len(balancer.requests) == 1)
        seen.append(time.monotonic())

    seen: list[float] = []
    with pytest.raises(ModelTimeoutError):
        client.classify(b"image", "id", limit_s=0.5, meanwhile=meanwhile)
    assert len(seen) == 1
    assert time.monotonic() - seen[0] < client.read_timeout_s - 1  # not the client's own limit


def test_answer_is_taken_though_what_was_done_meanwhile_took_longer_than_the_model_may(balancer: FakeModel) -> None:
    client = ModelClient((f"http://{balancer.address}",), 5.0)
    answer = client.classify(b"image", "id", limit_s=1.0, meanwhile=lambda: time.sleep(1.2))
    client.close()
    assert answer.result == "offline"


@pytest.mark.parametrize("failure", [KeyError, PermissionError, TimeoutError])
def test_connection_is_closed_when_what_is_done_meanwhile_fails(balancer: FakeModel, failure: type[Exception]) -> None:
    client = ModelClient((f"http://{balancer.address}",), 5.0)

    def meanwhile() -> None:
        raise failure("a bug")

    with pytest.raises(failure, match="a bug"):
        client.classify(b"1", "id", meanwhile=meanwhile)
    assert client.classify(b"2", "id").result == "offline"
    client.close()
    assert balancer.connections == 2


PARSERS = (httptools.HttpParserError, httptools.HttpParserCallbackError, httptools.HttpParserUpgrade)


@pytest.mark.parametrize("failure", [*PARSERS, OSError, BrokenPipeError, ConnectionResetError])
@pytest.mark.parametrize("step", ["send", "receive"])
def test_every_failure_of_a_connection_is_one_of_the_service(
    balancer: FakeModel, monkeypatch: pytest.MonkeyPatch, step: str, failure: type[Exception]
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise failure

    monkeypatch.setattr(Connection, step, fail)
    with pytest.raises(ModelUnavailableError):
        ask(balancer.address)


def test_server_state_says_ready_with_the_version(balancer: FakeModel) -> None:
    assert server_state(balancer.address) == "ready (default-0a1b2c3d)"


@pytest.mark.parametrize(
    "reply", [Reply(b"no JSON"), Reply({"status": "loading", "model_version": "v"}), Reply([], 503), Reply({}, 503)]
)
def test_server_state_says_not_ready(balancer: FakeModel, reply: Reply) -> None:
    balancer.ready = reply
    assert server_state(balancer.address) == "not ready"


def test_server_state_gives_the_servers_own_reason_cut_short(balancer: FakeModel) -> None:
    balancer.ready = Reply({"error": {"code": "model_unavailable", "message": "Warming up.", "request_id": "x"}}, 503)
    assert server_state(balancer.address) == "not ready (Warming up.)"
    balancer.ready = Reply({"error": {"code": "model_unavailable", "message": "x" * 500, "request_id": "x"}}, 503)
    assert server_state(balancer.address) == f"not ready ({'x' * 100})"


def test_server_state_says_unreachable_or_timed_out(balancer: FakeModel, unused_port: int) -> None:
    assert server_state(f"127.0.0.1:{unused_port}") == "unreachable"
    balancer.ready = Reply(silent=True)
    assert server_state(balancer.address, timeout_s=0.1) == "timed out"
