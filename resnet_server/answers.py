"""What is said of one picture, and what is noted of a request afterwards: the same on both ways to the model."""

import logging
import re
import time
import uuid
from collections.abc import Mapping
from functools import partial
from typing import Any

import afterwards
from resnet_server.admission import Admission
from resnet_server.metrics import count_request
from resnet_server.predictor import Predictor, StageTimes

JSON = "application/json"
_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")


def request_id_of(given: str) -> str:
    """The caller's X-Request-ID where it is well formed, else a new one."""
    return given if _REQUEST_ID.fullmatch(given) else uuid.uuid4().hex


def answer(config: Mapping[str, Any], picture: bytes) -> dict[str, Any]:
    """The JSON answer about one picture, by what the application's config holds.

    Raises: BusyError, and what Predictor.predict raises.
    """
    predictor: Predictor = config["PREDICTOR"]
    admission: Admission = config["ADMISSION"]
    ms: StageTimes = {}
    with admission.slot() as ms["queue"]:
        prediction = predictor.predict(picture, ms, admission.is_alone)
    image = prediction.image
    return {
        "result": prediction.result,
        "label": prediction.label,
        "score": round(prediction.score, 5),
        "image": {"format": image.format, "width": image.width, "height": image.height},
        "model_version": predictor.manifest.version,
        "ms": ms,
    }


def facts_of(document: dict[str, Any]) -> dict[str, Any]:
    """What a log line has of an answer."""
    return {"result": document["result"], "score": document["score"], "stage_ms": document["ms"]}


def note(logger: logging.Logger, line: dict[str, Any], *, started: float, is_counted: bool) -> None:
    """Log a request, and count one about a picture; the answer waits for neither.

    `line`: method, path, status, request_id; of an answer result, score and stage_ms, of a refusal error_code.
    `started`: time.perf_counter() then.
    """
    seconds = time.perf_counter() - started
    if is_counted:
        status, code, stage_ms = line["status"], line.get("error_code", ""), line.get("stage_ms", {})
        afterwards.do(partial(count_request, status=status, code=code, seconds=seconds, stage_ms=stage_ms))
    afterwards.log(logger, "request", line | {"ms": round(seconds * 1000, 3)})
