"""Limits and outages: busy, timeouts, dead models, too many requests: each has its code, and nobody else suffers."""

import base64
import json
import socket
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import ClassVar

import pytest
import requests

from tests.e2e.stack import SAMPLE, Stack, code_of, frozen, running_stack, wait_for
from tests.fake_model import ANSWER

pytestmark = pytest.mark.e2e


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """A stack with small limits."""
    with running_stack(
        tmp_path_factory.mktemp("small"),
        MODEL_THREADS="1",
        MODEL_QUEUE_SIZE="0",
        MODEL_READ_TIMEOUT_S="3",
        GATEWAY_THREADS="4",
        GATEWAY_QUEUE_SIZE="2",
        CLIENT_RATE_PER_S="0",
        GATEWAY_PROCESSES="1",
    ) as stack:
        yield stack


def in_parallel(count: int, ask: Callable[[], requests.Response]) -> list[requests.Response]:
    """The answers to so many requests at the same moment."""
    replies: list[requests.Response] = []
    threads = [threading.Thread(target=lambda: replies.append(ask())) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    return replies


def test_slow_clients_take_no_place_from_the_others(small: Stack) -> None:
    """More dripping bodies than there are threads and places in the queue."""
    head = b"POST /api/v1/get_pm HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100000\r\n\r\n{"
    slow = [socket.create_connection(("127.0.0.1", small.ports["public"]), timeout=10) for _ in range(40)]
    try:
        for connection in slow:
            connection.sendall(head)
        for _ in range(3):
            assert small.post().status_code == 200
    finally:
        for connection in slow:
            connection.close()


def test_clients_that_hang_up_leave_nothing_behind(small: Stack) -> None:
    """In the middle of their body, or before their answer."""
    body = json.dumps({"image_id": "gone", "image_base64": base64.b64encode(SAMPLE).decode()}).encode()
    head = b"POST /api/v1/get_pm HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n\r\n"
    for number in range(20):
        with socket.create_connection(("127.0.0.1", small.ports["public"]), timeout=10) as connection:
            connection.sendall(head % len(body) + (body if number % 2 else body[: len(body) // 2]))

    def in_flight() -> bool:
        return "pm_gateway_in_flight_requests 0.0" not in requests.get(metrics, timeout=10).text

    metrics = f"http://127.0.0.1:{small.ports['internal']}/metrics"
    wait_for(lambda: not in_flight())
    wait_for(lambda: small.post().status_code == 200)
    assert not [path for path in (small.root / "var/run/nginx/body").rglob("*") if path.is_file()]


def test_health_is_told_while_the_queue_is_full(small: Stack) -> None:
    with frozen(small.children("resnet_server1") + small.children("resnet_server2")):
        posts = [threading.Thread(target=small.post) for _ in range(12)]
        for post in posts:
            post.start()
        assert requests.get(f"{small.url}/healthz", timeout=30).status_code == 200
        for post in posts:
            post.join(60)
    small.wait_ready()


def test_when_every_worker_is_busy_the_rest_are_told_so_at_once(small: Stack) -> None:
    statuses: Counter[tuple[int, str]] = Counter()
    for _ in range(5):
        for reply in in_parallel(12, small.post):
            statuses[(reply.status_code, "" if reply.status_code == 200 else code_of(reply))] += 1
    assert set(statuses) == {(200, ""), (503, "busy")}
    assert small.post().status_code == 200


def test_a_model_that_hangs_is_a_timeout_and_more_requests_than_allowed_are_busy(small: Stack) -> None:
    with frozen(small.children("resnet_server1") + small.children("resnet_server2")):
        replies = in_parallel(12, small.post)
        found = Counter((reply.status_code, code_of(reply)) for reply in replies)
        assert found[(504, "model_timeout")] >= 1
        assert found[(503, "busy")] >= 4  # 4 threads and a queue of 2 (Linux holds one more) take 7 of 12
        assert set(found) == {(504, "model_timeout"), (503, "busy")}
    wait_for(lambda: small.post().status_code == 200)


class Nonsense(BaseHTTPRequestHandler):
    """A model server that answers 200 banana."""

    content = b"banana"
    more: ClassVar[dict[str, str]] = {}

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(200)
        for name, value in self.more.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(self.content)))
        self.end_headers()
        self.wfile.write(self.content)

    def log_message(self, *_: object) -> None:
        """Quiet."""


class Commander(Nonsense):
    """One whose answer is right, and tells nginx to give the client something else."""

    content = json.dumps(ANSWER).encode()
    more: ClassVar[dict[str, str]] = {"X-Accel-Redirect": "/metrics"}


def post_to(model: type[BaseHTTPRequestHandler], stack: Stack) -> requests.Response:
    """The reply to a picture while `model` takes the first model server's place."""
    with ThreadingHTTPServer(("127.0.0.1", stack.ports["model1"]), model) as fake:
        threading.Thread(target=fake.serve_forever, daemon=True).start()
        reply = stack.post()
        fake.shutdown()
    return reply


def test_both_models_down_is_unavailable_and_a_model_that_answers_nonsense_is_a_bad_reply(small: Stack) -> None:
    small.ctl("stop", "resnet_server1", "resnet_server2")
    try:
        reply = small.post(image_id="unavailable")
        assert (reply.status_code, code_of(reply)) == (503, "model_unavailable")
        ready = requests.get(f"{small.url}/readyz", timeout=10)
        assert (ready.status_code, code_of(ready)) == (503, "model_unavailable")
        assert small.sql("select error_code, result from Pm_prediction where image_id = 'unavailable'") == [
            ("model_unavailable", "")
        ]
        reply = post_to(Nonsense, small)
        assert (reply.status_code, code_of(reply)) == (502, "bad_model_reply")
        assert post_to(Commander, small).json() == {"image_id": "12345", "result": ANSWER["label"]}
    finally:
        small.ctl("start", "resnet_server1", "resnet_server2")
        small.wait_ready()
    assert small.post().status_code == 200


def test_a_client_over_its_rate_is_throttled(tmp_path: Path) -> None:
    with running_stack(tmp_path, CLIENT_RATE_PER_S="1") as stack:
        wait_for(lambda: stack.post().status_code == 200)
        replies = in_parallel(6, lambda: requests.get(f"{stack.url}/api/schema/", timeout=30))
        assert requests.get(f"{stack.url}/healthz", timeout=10).status_code == 200  # monitors are not throttled
        throttled = [reply for reply in replies if reply.status_code == 429]
        assert throttled
        assert {code_of(reply) for reply in throttled} == {"throttled"}
        assert {reply.status_code for reply in replies} <= {200, 429}
