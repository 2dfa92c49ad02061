"""Each row of the error table, from the real stack: the status, the code, the one body, and health afterwards."""

import base64
import csv
import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest
import requests

from tests.e2e.stack import ROOT, SAMPLE, Stack, code_of
from tests.pictures import encode, noise, screen

pytestmark = pytest.mark.e2e

# The index was made by asking Pillow for the orientation first, which decodes a PNG and keeps its fault to itself.
DAMAGED = {"pillow_broken_data_stream.png"}
NASTY = Path(os.environ.get("PM_NASTY_IMAGES", ROOT.parent / "shared" / "nasty"))


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
    "image_id", ["", "x" * 256, "a\nb", "a\x00b", "\x7f", 5, None, True, [], {}], ids=lambda v: ascii(v)[:12]
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


def test_the_internal_server_refuses_in_the_one_body_with_the_requests_id(stack: Stack) -> None:
    url = f"http://127.0.0.1:{stack.ports['internal']}"
    reply = requests.request("TRACE", f"{url}/v1/is_online/", headers={"X-Request-ID": "mine"}, timeout=10)
    assert (reply.status_code, code_of(reply), reply.headers["Allow"]) == (405, "method_not_allowed", "POST")
    assert reply.raw.headers.getlist("X-Request-ID") == ["mine"]
    reply = requests.get(f"{url}/v1/model", headers={"X-Request-ID": "mine"}, timeout=10)
    assert (reply.status_code, reply.raw.headers.getlist("X-Request-ID")) == (200, ["mine"])


def test_monitors_are_told_that_the_gateway_is_not_running(stack: Stack) -> None:
    stack.ctl("stop", "main_server")
    internal = f"http://127.0.0.1:{stack.ports['internal']}"
    for url in (f"{stack.url}/healthz", f"{stack.url}/readyz", f"{internal}/metrics"):
        reply = requests.get(url, timeout=10)
        assert (reply.status_code, code_of(reply), reply.headers["Retry-After"]) == (503, "busy", "1")
        assert reply.json()["error"]["message"].startswith("The gateway is not running, or restarting;")
    assert code_of(stack.post()) == "busy"


@pytest.mark.parametrize(
    "path", ["/", "/api/v1/", "/nothing", "/static/nothing.css", "/api/v1/get_pmx", "/%00", "/\u56fe"]
)
def test_an_unknown_url_is_not_found(stack: Stack, path: str) -> None:
    reply = requests.get(stack.url + path, timeout=10)
    assert reply.status_code in (400, 404)
    assert code_of(reply) in ("not_found", "invalid_request")


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("POST", "/api/v1/get_pm", 400),  # the gateway's answer
        ("PUT", "/api/v1/get_pm", 405),
        ("TRACE", "/api/v1/get_pm", 405),  # nginx's own
        ("GET", "/static/nowhere.css", 404),
        ("GET", "/static/unfold/css/styles.css", 200),
        ("GET", "/healthz", 200),
        ("GET", "/admin/login/", 200),
    ],
)
def test_every_answer_tells_browsers_once_what_they_may_do(stack: Stack, method: str, path: str, status: int) -> None:
    reply = requests.request(method, stack.url + path, timeout=60)
    assert reply.status_code == status
    policy = "default-src 'self'" if path == "/admin/login/" else "default-src 'none'; frame-ancestors 'none'"
    assert [policy in each for each in reply.raw.headers.getlist("Content-Security-Policy")] == [True]
    assert [each[:9] for each in reply.raw.headers.getlist("Permissions-Policy")] == ["camera=()"]
    assert reply.raw.headers.getlist("X-Content-Type-Options") == ["nosniff"]
    assert reply.raw.headers.getlist("X-Frame-Options") == ["DENY"]
    assert reply.raw.headers.getlist("Referrer-Policy") == ["same-origin"]
    assert reply.raw.headers.getlist("Cross-Origin-Opener-Policy") == ["same-origin"]


def test_a_foreign_host_name_and_an_endless_header_are_invalid(stack: Stack) -> None:
    for headers in ({"Host": "evil.example"}, {"Host": "health.PM.internal:80"}, {"X-Long": "x" * 40_000}):
        reply = requests.get(f"{stack.url}/api/docs/", headers=headers, timeout=10)
        assert (reply.status_code, code_of(reply)) == (400, "invalid_request")


@pytest.mark.parametrize(("count", "length"), [(4, 7000), (150, 20), (3000, 1)])
def test_many_or_long_headers_are_taken_or_invalid_but_never_our_fault(stack: Stack, count: int, length: int) -> None:
    headers = {f"X{number}": "v" * length for number in range(count)}
    body = json.dumps({"image_id": "1", "image_base64": base64.b64encode(SAMPLE).decode()})
    reply = requests.post(f"{stack.url}/api/v1/get_pm", data=body, headers=headers, timeout=30)
    assert reply.status_code == 200 or (reply.status_code, code_of(reply)) == (400, "invalid_request")


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
        is_whole = row["pillow_load"] == "ok" and row["file"] not in DAMAGED
        if row["format"] in accepted and row["frames"] in ("1", "2") and is_whole:
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


def test_the_sample_is_what_these_tests_take_it_for(stack: Stack) -> None:
    assert stack.post(SAMPLE).json()["result"] == "online"


def test_get_is_not_allowed_where_pictures_are_posted(stack: Stack) -> None:
    reply = requests.get(f"{stack.url}/api/v1/get_pm", timeout=10)
    assert (reply.status_code, code_of(reply), reply.headers["Allow"]) == (405, "method_not_allowed", "POST")
