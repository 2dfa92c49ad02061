import json
import shutil
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from benchmarks.errors import BenchmarkError
from benchmarks.photos import Photo, write_bodies
from benchmarks.wrk import Load, check, parse, post

SAID = {
    "seconds": 2.0,
    "statuses": {"200": 30.0, "503": 10.0},
    "errors": {"connect": 0.0, "read": 0.0, "write": 0.0, "timeout": 0.0},
    "latency_ms": {"p50": 10.0, "p95": 20.0, "p99": 30.0},
    "slowest_busy_ms": 5.0,
    "longest_ms": 40.0,
    "steady": 22.0,
    "steady_seconds": 1.76,
}
needs_wrk = pytest.mark.skipif(not shutil.which("wrk"), reason="wrk is not installed: make bench installs it")


def load(**changes: object) -> Load:
    return parse(f"Running\nJSON {json.dumps(SAID | changes)}\n", 8, 0.5, "wrk …")


def test_only_classified_photos_count_for_the_rate() -> None:
    seen = load()
    assert (seen.per_s, seen.busy_share, seen.statuses) == (12.5, 0.25, {"200": 30, "503": 10})
    assert (seen.clients, seen.latency_ms["p50"], seen.slowest_busy_ms, seen.client_cpu_s) == (8, 10.0, 5.0, 0.5)


def test_output_without_a_result_is_an_error_that_repeats_it() -> None:
    with pytest.raises(BenchmarkError, match="unable to connect"):
        parse("unable to connect to 127.0.0.1:1\n", 1, 0, "wrk")


def test_statuses_that_nobody_expects_make_a_run_invalid() -> None:
    check(load(), {"200", "503"})
    with pytest.raises(BenchmarkError, match=r"Not every answer was 200: \{'503': 10\} in wrk …"):
        check(load(), {"200"})


@pytest.mark.parametrize("kind", ["read", "timeout"])
def test_lost_connections_and_answers_make_a_run_invalid(kind: str) -> None:
    with pytest.raises(BenchmarkError, match=rf"\{{'{kind}': 2\}}"):
        check(load(errors=SAID["errors"] | {kind: 2}), {"200", "503"})  # type: ignore[operator]


def test_a_run_that_answers_no_client_twice_is_an_error() -> None:
    with pytest.raises(BenchmarkError, match="No client was answered twice in 2 s"):
        check(load(steady=0), {"200", "503"})


class Recorder(BaseHTTPRequestHandler):
    """Every third answer is 503; each body is kept."""

    protocol_version = "HTTP/1.1"
    bodies: list[bytes]

    def do_POST(self) -> None:
        self.bodies.append(self.rfile.read(int(self.headers["Content-Length"])))
        answer = b'{"image_id": "x", "result": "online"}'
        self.send_response(503 if len(self.bodies) % 3 == 0 else 200)
        self.send_header("X-Request-ID", self.headers["X-Request-ID"])
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *_: object) -> None:
        """Quiet."""


@contextmanager
def serving(kind: type[Recorder]) -> Iterator[tuple[str, list[bytes]]]:
    """The URL of a server, and the bodies that come to it."""
    handler = type("Fresh", (kind,), {"bodies": []})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}/", handler.bodies  # type: ignore[attr-defined]
        server.shutdown()


@pytest.fixture
def recorder() -> Iterator[tuple[str, list[bytes]]]:
    with serving(Recorder) as served:
        yield served


@needs_wrk
def test_wrk_posts_each_photo_in_turn_as_one_that_the_server_has_not_seen(
    recorder: tuple[str, list[bytes]], tmp_path: Path
) -> None:
    url, bodies = recorder
    write_bodies([Photo("a", b"AAA"), Photo("b", b"BBBB")], tmp_path / "bodies.txt")
    seen = post(url, tmp_path / "bodies.txt", 1, 1, busy=True)
    assert seen.statuses["200"] >= 2
    assert seen.statuses["503"] >= 1
    assert 0 < seen.slowest_busy_ms <= seen.longest_ms
    first, second = (json.loads(body) for body in bodies[:2])
    # wrk asks its script for one request before it begins, so the first that is sent is the second that is made.
    assert {first["image_base64"][:10], second["image_base64"][:10]} == {"b'QUFB0000", "b'QkJCQgAA"}
    assert len({json.loads(body)["image_id"] for body in bodies}) == len(bodies)
    assert len({json.loads(body)["image_base64"] for body in bodies}) == len(bodies)


@needs_wrk
def test_a_patient_client_waits_a_second_after_a_503(recorder: tuple[str, list[bytes]], tmp_path: Path) -> None:
    write_bodies([Photo("a", b"AAA")], tmp_path / "bodies.txt")
    seen = post(recorder[0], tmp_path / "bodies.txt", 1, 1, patient=True, busy=True)
    assert sum(seen.statuses.values()) <= 6  # two 200s and a 503, then a pause as long as the whole run


@needs_wrk
def test_a_server_that_is_not_there_is_an_error(tmp_path: Path, unused_port: int) -> None:
    write_bodies([Photo("a", b"AAA")], tmp_path / "bodies.txt")
    with pytest.raises(BenchmarkError, match="wrk failed: unable to connect"):
        post(f"http://127.0.0.1:{unused_port}/", tmp_path / "bodies.txt", 1, 1)


def test_without_wrk_the_error_says_how_to_install_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(BenchmarkError, match="apt-get install wrk"):
        post("http://127.0.0.1:1/", tmp_path, 1, 1)


class Silent(Recorder):
    """Answers two, then no more."""

    def do_POST(self) -> None:
        if len(self.bodies) == 2:
            time.sleep(3)  # longer than wrk stays
        with suppress(ConnectionError):
            super().do_POST()


@needs_wrk
def test_who_is_not_answered_before_the_end_has_waited_as_well(tmp_path: Path) -> None:
    write_bodies([Photo("a", b"AAA")], tmp_path / "bodies.txt")
    with serving(Silent) as (url, _):
        seen = post(url, tmp_path / "bodies.txt", 1, 2)
    assert seen.statuses == {"200": 2}
    assert seen.longest_ms > 1000  # of two seconds


class Slow(Recorder):
    """Two answers a second, one after the other."""

    lock = threading.Lock()

    def handle(self) -> None:
        with suppress(ConnectionError):  # wrk goes when its time is over
            super().handle()

    def do_POST(self) -> None:
        with self.lock:
            time.sleep(0.5)
        self.bodies.clear()  # so that none is a 503
        super().do_POST()


@needs_wrk
def test_a_slow_servers_rate_is_not_what_is_finished_when_the_time_is_over(tmp_path: Path) -> None:
    write_bodies([Photo("a", b"AAA")], tmp_path / "bodies.txt")
    with serving(Slow) as (url, _):
        seen = post(url, tmp_path / "bodies.txt", 4, 4)
    assert seen.steady == seen.statuses["200"] - 4
    assert seen.steady / seen.per_s < 3  # of 4 seconds and a bit: the time of the first four answers, 2 s, is left out
