"""The model service's reply is believed only when it is exactly in the contract."""

import json
from typing import Any

import pytest

from Pm.errors import BadModelReplyError, InvalidImageError
from Pm.reply import read_reply
from tests.fake_model import ANSWER


def test_answer_is_read() -> None:
    answer = read_reply(200, json.dumps(ANSWER).encode())
    assert (answer.result, answer.score, answer.model_version) == ("offline", 0.98731, "default-0a1b2c3d")
    assert (answer.format, answer.width, answer.height) == ("PNG", 640, 480)
    assert answer.stage_ms == {"queue": 0.1, "preprocess": 4.2, "inference": 20.3}


@pytest.mark.parametrize(
    "change",
    [
        {"result": 1},
        {"result": 2},
        {"result": "0"},
        {"label": "perhaps"},
        {"score": 1.5},
        {"score": 0.49},
        {"score": "0.7"},
        {"score": float("nan")},
        {"score": None},
        {"score": 10**400},
        {"model_version": "v\r\nX-Evil: 1"},
        {"model_version": 7},
        {"image": {"format": "../PNG", "width": 1, "height": 1}},
        {"image": {"format": "PNG", "width": 0, "height": 1}},
        {"image": {"format": "PNG", "width": 1, "height": 2**31}},
        {"image": {"format": "PNG", "width": True, "height": 1}},
        {"image": None},
        {"ms": {}},
        {"ms": {"queue": -1, "preprocess": 1, "inference": 1}},
        {"ms": {"queue": float("inf"), "preprocess": 1, "inference": 1}},
    ],
)
def test_anything_else_is_a_bad_reply(change: dict[str, Any]) -> None:
    with pytest.raises(BadModelReplyError):
        read_reply(200, json.dumps(ANSWER | change).encode())


@pytest.mark.parametrize(
    ("status", "content"),
    [
        (200, b""),
        (200, b"\xff"),
        (200, b"[" * 100_000),
        (301, b"{}"),
        (500, b'{"error": {"code": "internal_error", "message": "x"}}'),
        (400, b'{"error": {"code": "invalid_request", "message": "x"}}'),
        (400, b'{"error": {"code": "busy", "message": "x"}}'),
        (400, b'{"error": {"code": []}}'),
        (400, b'{"error": "x"}'),
        (400, b'{"error": {"code": "invalid_image", "message": "x\\ud800"}}'),
        (200, b'{"score": 1e999}'),
        (400, b"[]"),
    ],
)
def test_any_other_refusal_is_a_bad_reply(status: int, content: bytes) -> None:
    with pytest.raises(BadModelReplyError, match=r"^The model service gave no answer that can be used\.$"):
        read_reply(status, content)


def test_refusal_is_cut_to_a_sane_length() -> None:
    with pytest.raises(InvalidImageError) as caught:
        read_reply(400, json.dumps({"error": {"code": "invalid_image", "message": "x" * 10_000}}).encode())
    assert len(caught.value.message) == 300
    assert caught.value.field == "image_base64"
