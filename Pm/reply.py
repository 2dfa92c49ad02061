"""Reads the model service's reply, trusting none of it."""

import re
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

import orjson

from Pm.errors import (
    ApiError,
    BadModelReplyError,
    BusyError,
    InvalidImageError,
    ModelTimeoutError,
    ModelUnavailableError,
    TooLargeError,
    UnsupportedFormatError,
)

LABELS = ("offline", "online")
STAGES = ("queue", "preprocess", "inference")
UNUSABLE = "The model service gave no answer that can be used."
MAX_MESSAGE_CHARACTERS = 300
_VERSION = re.compile(r"[A-Za-z0-9._-]{1,64}")  # it goes into a header
_FORMAT = re.compile(r"[A-Z0-9]{1,16}")
_ABOUT_THE_IMAGE: tuple[type[ApiError], ...] = (InvalidImageError, UnsupportedFormatError, TooLargeError)
_ABOUT_THE_SERVICE: tuple[type[ApiError], ...] = (BusyError, ModelUnavailableError, ModelTimeoutError)
_PASSED_ON = {(error.status.value, error.code): error for error in _ABOUT_THE_IMAGE + _ABOUT_THE_SERVICE}


@dataclass(frozen=True)
class ModelAnswer:
    """What the model said of one picture; `stage_ms` holds its milliseconds for each of STAGES."""

    result: str
    score: float
    model_version: str
    format: str
    width: int
    height: int
    stage_ms: dict[str, float]


def read_reply(status: int, content: bytes) -> ModelAnswer:
    """The answer in a reply of the model service.

    Raises: the refusal that the reply holds, with its code and message; BadModelReplyError for all that is neither.
    """
    try:
        document = orjson.loads(content)
        if status == HTTPStatus.OK:
            return _read_answer(document)
        error = document["error"]
        refusal = _PASSED_ON[status, error["code"]]
        message = str(error["message"])[:MAX_MESSAGE_CHARACTERS]
    except (ValueError, TypeError, KeyError, OverflowError, RecursionError) as exc:
        raise BadModelReplyError(UNUSABLE) from exc
    raise refusal(message, field="image_base64" if refusal in _ABOUT_THE_IMAGE else "")


def _read_answer(document: Any) -> ModelAnswer:  # noqa: ANN401 - any JSON
    """The answer in a 200 reply. Raises: KeyError, TypeError, ValueError."""
    image, stage_ms = document["image"], document["ms"]
    answer = ModelAnswer(
        result=LABELS[LABELS.index(document["label"])],
        score=_number(document["score"]),
        model_version=_matching(_VERSION, document["model_version"]),
        format=_matching(_FORMAT, image["format"]),
        width=_size(image["width"]),
        height=_size(image["height"]),
        stage_ms={stage: round(_number(stage_ms[stage]), 3) for stage in STAGES},
    )
    if document["result"] != LABELS.index(answer.result) or not 0.5 <= answer.score <= 1:
        raise ValueError("result, label and score do not agree")
    if not all(0 <= value < float("inf") for value in answer.stage_ms.values()):
        raise ValueError("milliseconds must be numbers")
    return answer


def _matching(pattern: re.Pattern[str], text: str) -> str:
    if not pattern.fullmatch(text):
        raise ValueError("not an acceptable name")
    return text


def _number(value: object) -> float:
    if type(value) not in (int, float):  # a bool is an int to isinstance
        raise ValueError("not a number")
    return float(value)  # type: ignore[arg-type]


def _size(value: object) -> int:
    if type(value) is not int or not 0 < value < 2**31:
        raise ValueError("not a size in pixels")
    return value
