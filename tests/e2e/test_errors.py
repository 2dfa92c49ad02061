"""Each row of the error table, from the real stack: the status, the code, the one body, and health afterwards."""

import base64
import csv
import json
import os
import socket
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import requests
from jsonschema import Draft202012Validator

from tests.e2e.stack import ROOT, SAMPLE, Stack, frozen, running_stack, wait_for
from tests.pictures import encode, noise, screen

pytestmark = pytest.mark.e2e

ERROR_SCHEMA = Draft202012Validator(json.loads((ROOT / "contracts" / "error.schema.json").read_text()))
NASTY = Path(os.environ.get("PM_NASTY_IMAGES", ROOT.parent / "shared" / "nasty"))


def code_of(reply: requests.Response) -> str:
    """The code of an error, after holding its body and headers against the contract."""
    assert reply.headers["Content-Type"].startswith("application/json"), reply.text
    body = reply.json()
    ERROR_SCHEMA.validate(body)
    assert body["error"]["request_id"] == reply.headers["X-Request-ID"]
    assert ("Retry-After" in reply.headers) == (reply.status_code in (429, 503))
    return str(body["error"]["code"])


def raw(stack: Stack, body: bytes | str, **headers: str) -> requests.Response:
    """Post a body as it is."""
    return requests.post(f"{stack.url}/api/v1/get_pm", data=body, headers=headers, timeout=60)


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"[]", b"null", b"\xff\xfe", b'{"image_id": "1"}', b'{"image_base64": "AAAA"}', b"[" * 200_000],
    ids=lambda body: repr(body[:20]),
)
def test_a_body_that_is_not_the_documented_json_is_invalid(stack: Stack, body: bytes) -> None:
    reply = raw(stack, body)
    assert (reply.status_code, code_of(reply)) == (400, "invalid_request")


@pytest.mark.parametrize(
    "image_id", ["", "x" * 256, "a\nb", "a\x00b", "\x7f", 5, None, True, [], {}, "\ud800"], ids=lambda v: ascii(v)[:12]
)
def test_a_bad_image_id_names_its_field(stack: Stack, image_id: object) -> None:
    reply = raw(stack, json.dumps({"image_id": image_id, "image_base64": "AAAA"}))
    assert (reply.status_code, code_of(reply)) == (400, "invalid_request")
    assert reply.json()["error"]["field"] == "image_id"


@pytest.mark.parametrize(
    "text", ["!", "AAAAA", "b'", "b'AAAA", "AA=A", "__import__('os')", "图片", "data:image/png,AA"]
)
def test_text_that_is_not_base64_is_said_to_be_so(stack: Stack, text: str) -> None:
    reply = raw(stack, json.dumps({"image_id": "1", "image_base64": text}))
    assert (reply.status_code, code_of(reply)) == (400, "invalid_base64")
    assert reply.json()["error"]["field"] == "image_base64"


@pytest.mark.parametrize(
    ("data", "status", "code"),
    [
        (b"", 400, "invalid_image"),
        (b"<html></html>", 400, "invalid_image"),
        (encode(noise(), "JPEG")[:5000], 400, "invalid_image"),
        (encode(screen(), "GIF"), 415, "unsupported_format"),
        (encode(screen(), "TIFF"), 415, "unsupported_format"),
        (encode(noise(), "WEBP", save_all=True, append_images=[noise(seed=1)]), 415, "unsupported_format"),
        (b"%PDF-1.7 ", 415, "unsupported_format"),
        (bytes(10 * 1024 * 1024 + 1), 413, "too_large"),
        (bytes(20 * 1024 * 1024), 413, "too_large"),
        (encode(screen(8000, 6251), "PNG"), 413, "too_large"),
    ],
    ids=["empty", "html", "truncated", "gif", "tiff", "animation", "pdf", "bytes", "20 MB", "pixels"],
)
def test_a_bad_picture_is_refused_with_its_code(stack: Stack, data: bytes, status: int, code: str) -> None:
    reply = stack.post(data)
    assert (reply.status_code, code_of(reply)) == (status, code)


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE", "TRACE", "OPTIONS"])
@pytest.mark.parametrize("path", ["/api/v1/get_pm", "/api/v1/get_pm/", "/api/docs/", "/api/schema/", "/readyz"])
def test_other_methods_are_not_allowed(stack: Stack, method: str, path: str) -> None:
    reply = requests.request(method, stack.url + path, timeout=10)
    assert (reply.status_code, code_of(reply)) == (405, "method_not_allowed")
    assert reply.headers["Allow"].startswith("POST" if "get_pm" in path else "GET")


@pytest.mark.parametrize(
    "path", ["/", "/api/v1/", "/nothing", "/static/nothing.css", "/api/v1/get_pmx", "/%00", "/\u56fe"]
)
def test_an_unknown_url_is_not_found(stack: Stack, path: str) -> None:
    reply = requests.get(stack.url + path, timeout=10)
    assert reply.status_code in (400, 404)
    assert code_of(reply) in ("not_found", "invalid_request")


def test_a_foreign_host_name_and_an_endless_header_are_invalid(stack: Stack) -> None:
    for headers in ({"Host": "evil.example"}, {"X-Long": "x" * 40_000}):
        reply = requests.get(f"{stack.url}/api/docs/", headers=headers, timeout=10)
        assert (reply.status_code, code_of(reply)) == (400, "invalid_request")


@pytest.mark.parametrize(("count", "length"), [(4, 7000), (150, 20), (3000, 1)])
def test_many_or_long_headers_are_taken_or_invalid_but_never_our_fault(stack: Stack, count: int, length: int) -> None:
    headers = {f"X{number}": "v" * length for number in range(count)}
    body = json.dumps({"image_id": "1", "image_base64": base64.b64encode(SAMPLE).decode()})
    reply = requests.post(f"{stack.url}/api/v1/get_pm", data=body, headers=headers, timeout=30)
    assert reply.status_code == 200 or (reply.status_code, code_of(reply)) == (400, "invalid_request")


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


def test_health_is_told_while_the_queue_is_full(small: Stack) -> None:
    with frozen(small.children("resnet_server1") + small.children("resnet_server2")):
        posts = [threading.Thread(target=small.post) for _ in range(12)]
        for post in posts:
            post.start()
        assert requests.get(f"{small.url}/healthz", timeout=30).status_code == 200
        for post in posts:
            post.join(60)
    small.wait_ready()


def test_bytes_that_are_not_http_do_no_harm(stack: Stack) -> None:
    for request in (
        b"\x16\x03\x01\x02\x00\x01",
        b"GET\r\n\r\n",
        b"POST /api/v1/get_pm HTTP/1.1\r\nContent-Length: x\r\n\r\n",
    ):
        with socket.create_connection(("127.0.0.1", stack.ports["public"]), timeout=10) as connection:
            connection.sendall(request)
            answer = connection.recv(4096)
        assert b" 400 " in answer
        assert b" 500 " not in answer
    assert stack.post().status_code == 200


def test_every_nasty_file_gets_a_clear_answer_and_the_service_stays_healthy(stack: Stack) -> None:
    if not (NASTY / "INDEX.csv").is_file():
        pytest.skip("no collection of bad files: set PM_NASTY_IMAGES to a folder with INDEX.csv")
    with (NASTY / "INDEX.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    accepted = {"JPEG", "MPO", "PNG", "WEBP", "BMP", "AVIF"}
    for row in rows:
        reply = stack.post((NASTY / row["file"]).read_bytes(), image_id=row["file"])
        if row["format"] in accepted and row["frames"] in ("1", "2") and row["pillow_load"] == "ok":
            assert reply.status_code == 200, (row["file"], reply.text)
            assert reply.json()["result"] in ("offline", "online")
        elif row["file"].endswith((".gif", ".tif")):
            assert (reply.status_code, code_of(reply)) == (415, "unsupported_format"), row["file"]
        else:
            assert (reply.status_code, code_of(reply)) == (400, "invalid_image"), (row["file"], reply.text)
    assert stack.post().status_code == 200
    assert requests.get(f"{stack.url}/readyz", timeout=10).status_code == 200
    assert set(stack.states().values()) == {"RUNNING"}


def test_schemathesis_finds_no_fault_with_the_openapi_document(stack: Stack, tmp_path: Path) -> None:
    done = subprocess.run(
        [
            str(Path(sys.executable).parent / "schemathesis"),
            "run",
            f"{stack.url}/api/schema/",
            "--checks=all",
            "--max-examples=30",
            "--seed=1",
            "--no-color",
        ],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env=os.environ | {"SCHEMATHESIS_HOOKS": "tests.e2e.schemathesis_hooks", "PYTHONPATH": str(ROOT)},
        check=False,
    )
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """A stack with small limits."""
    with running_stack(
        tmp_path_factory.mktemp("small"),
        MODEL_THREADS="1",
        MODEL_QUEUE_SIZE="0",
        MODEL_READ_TIMEOUT_S="1",
        GATEWAY_THREADS="4",
        GATEWAY_QUEUE_SIZE="2",
        CLIENT_RATE_PER_S="0",
        GATEWAY_PROCESSES="1",
    ) as stack:
        yield stack


def in_parallel(stack: Stack, count: int) -> list[requests.Response]:
    """So many pictures at the same moment."""
    replies: list[requests.Response] = []
    threads = [threading.Thread(target=lambda: replies.append(stack.post())) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    return replies


def test_when_every_worker_is_busy_the_rest_are_told_so_at_once(small: Stack) -> None:
    statuses: Counter[tuple[int, str]] = Counter()
    for _ in range(5):
        for reply in in_parallel(small, 6):
            statuses[(reply.status_code, "" if reply.status_code == 200 else code_of(reply))] += 1
    assert set(statuses) == {(200, ""), (503, "busy")}
    assert small.post().status_code == 200


def test_a_model_that_hangs_is_a_timeout_and_more_requests_than_allowed_are_busy(small: Stack) -> None:
    with frozen(small.children("resnet_server1") + small.children("resnet_server2")):
        replies = in_parallel(small, 12)
        found = Counter((reply.status_code, code_of(reply)) for reply in replies)
        assert found[(504, "model_timeout")] >= 1
        assert found[(503, "busy")] >= 4  # 4 threads and a queue of 2 (Linux holds one more) take 7 of 12
        assert set(found) == {(504, "model_timeout"), (503, "busy")}
    wait_for(lambda: small.post().status_code == 200)


class Nonsense(BaseHTTPRequestHandler):
    """A model server that answers 200 banana."""

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(200)
        self.send_header("Content-Length", "6")
        self.end_headers()
        self.wfile.write(b"banana")

    def log_message(self, *_: object) -> None:
        """Quiet."""


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
        with ThreadingHTTPServer(("127.0.0.1", small.ports["model1"]), Nonsense) as fake:
            threading.Thread(target=fake.serve_forever, daemon=True).start()
            reply = small.post()
            fake.shutdown()
        assert (reply.status_code, code_of(reply)) == (502, "bad_model_reply")
    finally:
        small.ctl("start", "resnet_server1", "resnet_server2")
        small.wait_ready()
    assert small.post().status_code == 200


def test_a_client_over_its_rate_is_throttled(tmp_path: Path) -> None:
    with running_stack(tmp_path, CLIENT_RATE_PER_S="1") as stack:
        wait_for(lambda: stack.post().status_code == 200)
        replies = [requests.get(f"{stack.url}/api/schema/", timeout=10) for _ in range(6)]
        assert requests.get(f"{stack.url}/healthz", timeout=10).status_code == 200  # monitors are not throttled
        throttled = [reply for reply in replies if reply.status_code == 429]
        assert throttled
        assert {code_of(reply) for reply in throttled} == {"throttled"}
        assert {reply.status_code for reply in replies} <= {200, 429}


def test_the_sample_is_what_these_tests_take_it_for(stack: Stack) -> None:
    assert stack.post(SAMPLE).json()["result"] == "online"


def test_get_is_not_allowed_where_pictures_are_posted(stack: Stack) -> None:
    reply = requests.get(f"{stack.url}/api/v1/get_pm", timeout=10)
    assert (reply.status_code, code_of(reply), reply.headers["Allow"]) == (405, "method_not_allowed", "POST")
