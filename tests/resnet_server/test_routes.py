"""The model service's HTTP contract: bytes or a path in, text or JSON out, one body for every error."""

import io
import json
import logging
import os
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient
from jsonschema import Draft202012Validator

from resnet_server.admission import Admission
from resnet_server.app import create_app
from resnet_server.predictor import Predictor
from resnet_server.settings import ModelSettings
from tests.pictures import encode, noise, screen
from tests.tiny_model import write_artifact

URL = "/v1/is_online/"
CONTRACTS = Path(__file__).resolve().parents[2] / "contracts"
WHITE, BLACK = encode(screen(64, 36)), encode(noise(8, 8).point(lambda _: 0))


def error_of(reply: object) -> dict[str, str]:
    """The error object of a reply, after holding its body against the contract."""
    body = reply.get_json()  # type: ignore[attr-defined]
    Draft202012Validator(json.loads((CONTRACTS / "error.schema.json").read_text())).validate(body)
    assert body["error"]["request_id"] == reply.headers["X-Request-ID"]  # type: ignore[attr-defined]
    return dict(body["error"])


@pytest.mark.parametrize(("data", "answer"), [(WHITE, "1"), (BLACK, "0")], ids=["online", "offline"])
def test_the_bytes_of_a_picture_are_answered_with_the_documented_text(
    client: FlaskClient, data: bytes, answer: str
) -> None:
    reply = client.post(URL, data=data, content_type="application/octet-stream")
    assert (reply.status_code, reply.text, reply.mimetype) == (200, answer, "text/plain")
    assert reply.headers["X-Model-Version"] == "tiny-1"


@pytest.mark.parametrize(("data", "answer"), [(WHITE, "1"), (BLACK, "0")], ids=["online", "offline"])
def test_the_documented_json_names_a_file_under_the_root(
    client: FlaskClient, settings: ModelSettings, data: bytes, answer: str
) -> None:
    (settings.image_root / "班级.png").write_bytes(data)
    for path in ("班级.png", str(settings.image_root / "班级.png")):
        assert client.post(URL, json={"image_path": path}).text == answer


def test_the_model_is_told_whether_others_are_there(client: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    told, model = [], Predictor.model
    admission: Admission = client.application.config["ADMISSION"]
    entered, leave = threading.Event(), threading.Event()

    def watched(self: Predictor, batch: Any, ms: dict[str, float], *, alone: bool = True) -> Any:
        told.append(alone)
        return model(self, batch, ms, alone=alone)

    def other() -> None:
        with admission.slot():
            entered.set()
            leave.wait(60)

    monkeypatch.setattr(Predictor, "model", watched)
    assert client.post(URL, data=WHITE).text == "1"
    thread = threading.Thread(target=other)
    thread.start()
    assert entered.wait(60)
    assert client.post(URL, data=WHITE).text == "1"
    leave.set()
    thread.join()
    assert told == [True, False]


def test_the_url_works_without_its_final_slash(client: FlaskClient) -> None:
    assert client.post("/v1/is_online", data=WHITE).text == "1"


def test_json_on_request_tells_all_that_is_known(client: FlaskClient) -> None:
    reply = client.post(URL, data=WHITE, headers={"Accept": "application/json", "X-Request-ID": "abc-1"})
    body = reply.get_json()
    assert set(body) == {"result", "label", "score", "image", "model_version", "ms"}
    assert (body["result"], body["label"], body["model_version"]) == (1, "online", "tiny-1")
    assert body["image"] == {"format": "PNG", "width": 64, "height": 36}
    assert set(body["ms"]) == {"queue", "preprocess", "inference"}
    assert 0.5 <= body["score"] <= 1
    assert reply.headers["X-Request-ID"] == "abc-1"


@pytest.mark.parametrize("given", ["", "a b", "x" * 65, "é"])
def test_a_malformed_request_id_is_replaced(client: FlaskClient, given: str) -> None:
    reply = client.get("/healthz", headers={"X-Request-ID": given})
    assert len(reply.headers["X-Request-ID"]) == 32


@pytest.fixture
def traps(settings: ModelSettings, tmp_path: Path) -> dict[str, str]:
    """Paths that must not be read: each leads, or may lead, outside the root."""
    root = settings.image_root
    (tmp_path / "secret.png").write_bytes(WHITE)
    (root / "link.png").symlink_to(tmp_path / "secret.png")
    (root / "loop.png").symlink_to(root / "loop.png")
    (root / "folder").mkdir()
    return {
        "dots": "../secret.png",
        "absolute": str(tmp_path / "secret.png"),
        "symlink": "link.png",
        "loop": "loop.png",
        "folder": "folder",
        "root itself": ".",
        "absent": "absent.png",
        "nul": "a\0.png",
        "long": "x" * 5000,
        "empty": "",
        "device": "/dev/zero",
    }


@pytest.mark.parametrize(
    "trap",
    [
        "dots",
        "absolute",
        "symlink",
        "loop",
        "folder",
        "root itself",
        "absent",
        "nul",
        "long",
        "empty",
        "device",
    ],
)
def test_no_path_outside_the_root_is_read(client: FlaskClient, traps: dict[str, str], trap: str) -> None:
    reply = client.post(URL, json={"image_path": traps[trap]})
    assert reply.status_code == 400
    assert error_of(reply)["message"] == "image_path must name a file inside the configured image root."


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"[]", b"null", b'"x"', b"{}", b'{"image_path": 5}', b"\xff", pytest.param(b"[" * 99_999, id="deep")],
)
def test_json_that_is_not_the_documented_one_is_invalid(client: FlaskClient, body: bytes) -> None:
    reply = client.post(URL, data=body, content_type="application/json")
    assert (reply.status_code, error_of(reply)["code"]) == (400, "invalid_request")


@pytest.mark.parametrize(
    ("data", "status", "code"),
    [
        (b"", 400, "invalid_image"),
        (WHITE[: len(WHITE) // 2], 400, "invalid_image"),
        (encode(screen(), "GIF"), 415, "unsupported_format"),
        (bytes(100_001), 413, "too_large"),
    ],
    ids=["empty", "truncated", "gif", "too many bytes"],
)
def test_a_bad_picture_is_refused_with_its_code(
    client: FlaskClient, way: dict[str, str], data: bytes, status: int, code: str
) -> None:
    reply = client.post(URL, data=data, headers=way)
    assert (reply.status_code, error_of(reply)["code"]) == (status, code)


@pytest.mark.parametrize("is_terminated", [True, False], ids=["as gunicorn says it", "by its length"])
def test_a_picture_of_exactly_the_byte_limit_is_answered(
    make_client: Callable[..., FlaskClient], way: dict[str, str], is_terminated: bool
) -> None:
    photo: dict[str, Any] = {"data": WHITE, "headers": way}
    photo["environ_overrides"] = {"wsgi.input_terminated": is_terminated}
    assert make_client(max_image_bytes=len(WHITE)).post(URL, **photo).status_code == 200
    reply = make_client(max_image_bytes=len(WHITE) - 1).post(URL, **photo)
    assert (reply.status_code, error_of(reply)["code"]) == (413, "too_large")


def test_a_file_over_the_byte_limit_is_refused(client: FlaskClient, settings: ModelSettings) -> None:
    (settings.image_root / "big.bmp").write_bytes(bytes(settings.max_image_bytes + 1))
    reply = client.post(URL, json={"image_path": "big.bmp"})
    assert (reply.status_code, error_of(reply)["code"]) == (413, "too_large")


def test_too_many_pixels_are_refused(make_client: Callable[..., FlaskClient], way: dict[str, str]) -> None:
    reply = make_client(max_image_pixels=64 * 36 - 1).post(URL, data=WHITE, headers=way)
    assert (reply.status_code, error_of(reply)["code"]) == (413, "too_large")


class Reset(io.BytesIO):
    """A client's body whose connection breaks."""

    def read(self, *_: object) -> bytes:
        raise ConnectionResetError


@pytest.mark.parametrize("body", [lambda: io.BytesIO(b"half"), Reset], ids=["cut off", "reset"])
def test_a_client_that_goes_is_no_bug_of_ours(
    client: FlaskClient, way: dict[str, str], body: Callable[[], io.BytesIO]
) -> None:
    reply = client.post(URL, headers=way, input_stream=body(), environ_overrides={"CONTENT_LENGTH": "8"})
    assert (reply.status_code, error_of(reply)["code"]) == (400, "invalid_request")


def test_a_full_queue_is_busy_and_says_when_to_come_back(
    make_client: Callable[..., FlaskClient], way: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    client = make_client(threads=1, queue_size=0)
    inside, release = threading.Barrier(3), threading.Event()
    predict = Predictor.predict

    def slow(self: Predictor, *arguments: Any) -> object:
        inside.wait(5)
        release.wait(10)
        return predict(self, *arguments)

    monkeypatch.setattr(Predictor, "predict", slow)
    post = lambda: client.application.test_client().post(URL, data=WHITE, headers=way)  # noqa: E731
    at_work = [threading.Thread(target=post) for _ in range(2)]  # one core's, and one that is ready
    for thread in at_work:
        thread.start()
    inside.wait(5)
    reply = client.post(URL, data=WHITE, headers=way)
    release.set()
    for thread in at_work:
        thread.join(5)
    assert (reply.status_code, error_of(reply)["code"], reply.headers["Retry-After"]) == (503, "busy", "1")


def test_a_bug_is_a_500_with_a_fixed_text(
    client: FlaskClient, way: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("secret detail")

    monkeypatch.setattr(Predictor, "predict", broken)
    reply = client.post(URL, data=WHITE, headers=way)
    assert (reply.status_code, error_of(reply)["code"]) == (500, "internal_error")
    assert "secret" not in reply.text


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", URL, 405, "method_not_allowed"),
        ("PATCH", URL, 405, "method_not_allowed"),
        ("GET", "/x", 404, "not_found"),
    ],
)
def test_wrong_methods_and_urls_get_the_one_body(
    client: FlaskClient, method: str, path: str, status: int, code: str
) -> None:
    reply = client.open(path, method=method)
    assert (reply.status_code, error_of(reply)["code"]) == (status, code)
    assert ("Allow" in reply.headers) == (status == 405)


def test_the_manifest_and_the_health_of_the_server_can_be_read(client: FlaskClient, artifact: Path) -> None:
    assert client.get("/v1/model").get_json() == json.loads((artifact / "manifest.json").read_text())
    assert client.get("/healthz").get_json() == {"status": "alive"}
    assert client.get("/readyz").get_json() == {
        "status": "ready",
        "model_version": "tiny-1",
        "slot": "resnet_server1",
        "pid": os.getpid(),
    }


def test_a_server_with_a_bad_artifact_does_not_start(
    make_client: Callable[..., FlaskClient], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    bad = write_artifact(tmp_path / "bad", labels=["online", "offline"])
    logging.getLogger("resnet_server").propagate = True
    with pytest.raises(SystemExit) as stopped:
        make_client(artifact=bad)
    assert stopped.value.code == 4


def test_the_application_needs_no_torch(settings: ModelSettings) -> None:
    import subprocess
    import sys

    code = "import sys; sys.modules['torch'] = None; import resnet_server.app, resnet_server.engines.openvino"
    subprocess.run([sys.executable, "-c", code], check=True, cwd=CONTRACTS.parent)
    assert create_app(settings).name == "resnet_server"
