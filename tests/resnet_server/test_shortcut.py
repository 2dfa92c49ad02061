"""The shortcut past Flask: what the gateway asks takes it, and is answered and noted as by Flask."""

import gc
import logging
import socket
import time
import weakref
from typing import Any

import pytest
from flask.testing import FlaskClient

from Pm.connection import Connection, Question
from resnet_server.errors import InvalidImageError
from resnet_server.predictor import Predictor
from resnet_server.shortcut import GATEWAYS
from tests.pictures import encode, screen

WHITE = encode(screen(64, 36))
ASKED: dict[str, Any] = {
    "data": WHITE,
    "headers": {"Accept": GATEWAYS["HTTP_ACCEPT"], "Content-Type": GATEWAYS["CONTENT_TYPE"], "X-Request-ID": "abc-1"},
}


@pytest.fixture
def no_flask(client: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise AssertionError("Flask was asked")

    monkeypatch.setattr(client.application.wsgi_app, "_flask", broken)


@pytest.mark.usefixtures("no_flask")
def test_the_gateways_own_request_takes_it(client: FlaskClient) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        connection = Connection(f"http://127.0.0.1:{server.getsockname()[1]}", 5)
        connection.send(Question(WHITE, "abc-1", "prod"), deadline=time.monotonic() + 5)
        connection.close()
        with server.accept()[0] as accepted:
            head, _, data = accepted.makefile("rb").read().partition(b"\r\n\r\n")
    request, *lines = head.decode().split("\r\n")
    method, path, _ = request.split()
    reply = client.open(path, method=method, data=data, headers=[line.split(": ", 1) for line in lines])
    assert (reply.status_code, reply.get_json()["label"]) == (200, "online")


@pytest.mark.parametrize(
    "change",
    [
        {"method": "PUT"},
        {"path": "/v1/is_online"},
        {"headers": ASKED["headers"] | {"Accept": "text/plain"}},
        {"headers": ASKED["headers"] | {"Content-Type": "application/json"}},
        {"environ_overrides": {"CONTENT_LENGTH": "", "wsgi.input_terminated": True}},
    ],
    ids=["another method", "another path", "as text", "another type", "of no length"],
)
@pytest.mark.usefixtures("no_flask")
def test_all_else_does_not(client: FlaskClient, change: dict[str, Any]) -> None:
    with pytest.raises(AssertionError, match="Flask was asked"):
        client.open(**{"method": "POST", "path": GATEWAYS["PATH_INFO"]} | ASKED | change)


def test_it_answers_and_logs_what_flask_does(
    client: FlaskClient, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(logging.getLogger("resnet_server"), "propagate", True)
    caplog.set_level(logging.INFO)
    told = []
    for path in (GATEWAYS["PATH_INFO"], "/v1/is_online"):
        caplog.clear()
        reply = client.post(path, **ASKED)
        document, line = reply.get_json(), caplog.records[-1].__dict__
        assert set(document.pop("ms")) == set(line["stage_ms"]) == {"queue", "preprocess", "inference"}
        assert line["ms"] >= sum(line["stage_ms"].values())
        facts = {name: line[name] for name in ("method", "status", "request_id", "result", "score")}
        told.append((reply.status_code, dict(reply.headers), document, facts))
    length, other_length = (each[1].pop("Content-Length") for each in told)
    assert told[0] == told[1]
    assert abs(int(length) - int(other_length)) < 10  # of the milliseconds


def test_a_refusals_time_is_that_of_the_whole_request(
    client: FlaskClient, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def slow(*_: object) -> None:
        time.sleep(0.2)
        raise RuntimeError

    monkeypatch.setattr(logging.getLogger("resnet_server"), "propagate", True)
    caplog.set_level(logging.INFO)
    monkeypatch.setattr(Predictor, "predict", slow)
    assert client.post(GATEWAYS["PATH_INFO"], **ASKED).status_code == 500
    line = next(record.__dict__ for record in caplog.records if record.msg == "request")
    assert (line["status"], line["error_code"]) == (500, "internal_error")
    assert line["ms"] >= 200


def test_a_refused_photo_is_forgotten_with_its_answer(client: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    class Pixels:
        """What decoding holds."""

    held: list[weakref.ref[Pixels]] = []

    def refused(*_: object) -> None:
        pixels = Pixels()
        held.append(weakref.ref(pixels))
        raise InvalidImageError("It is damaged.")

    monkeypatch.setattr(Predictor, "predict", refused)
    gc.disable()  # what needs a collection stays until there is one
    try:
        with client.post(GATEWAYS["PATH_INFO"], **ASKED) as reply:
            assert reply.status_code == 400
        assert [each() for each in held] == [None]
    finally:
        gc.enable()
