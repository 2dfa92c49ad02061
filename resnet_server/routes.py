"""The model service's URLs."""

import json
import os
import re
import time
import uuid
from functools import partial

from flask import Blueprint, Request, Response, current_app, g, jsonify, request

import afterwards
from process_metrics import CONTENT_TYPE, exposition
from resnet_server.admission import Admission
from resnet_server.image_source import read_image
from resnet_server.metrics import count_request
from resnet_server.predictor import Predictor, StageTimes
from resnet_server.settings import ModelSettings

blueprint = Blueprint("v1", __name__)
JSON = "application/json"
REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")


@blueprint.before_app_request
def start_request() -> None:
    """Take the caller's X-Request-ID where it is well formed, else make one."""
    given = request.headers.get("X-Request-ID", "")
    g.request_id = given if REQUEST_ID.fullmatch(given) else uuid.uuid4().hex
    g.started = time.perf_counter()


@blueprint.after_app_request
def end_request(response: Response) -> Response:
    """Echo the request id; the answer waits neither for its log line nor for being counted."""
    asked, kept = this_request(), g._get_current_object()
    response.headers["X-Request-ID"] = request_id = kept.request_id
    seconds, answer = time.perf_counter() - kept.started, kept.get("answer", {})
    path, status = asked.path, response.status_code
    if asked.endpoint == "v1.is_online":
        code, stage_ms = answer.get("error_code", ""), answer.get("stage_ms", {})
        afterwards.do(partial(count_request, status=status, code=code, seconds=seconds, stage_ms=stage_ms))
    if path.startswith("/v1/"):  # health checks are too many
        ms = round(seconds * 1000, 3)
        facts = {"method": asked.method, "path": path, "status": status, "ms": ms, "request_id": request_id}
        afterwards.log(current_app.logger, "request", facts | answer)
    return response


@blueprint.post("/v1/is_online/")
def is_online() -> Response:
    """Answer 0 (offline) or 1 (online) for one picture, as text or, when asked for, as JSON."""
    config = current_app.config
    settings: ModelSettings = config["SETTINGS"]
    predictor: Predictor = config["PREDICTOR"]
    admission: Admission = config["ADMISSION"]
    asked = this_request()
    data = read_image(asked, settings.image_root, settings.max_image_bytes)
    ms: StageTimes = {}
    with admission.slot() as ms["queue"]:
        prediction = predictor.predict(data, ms, admission.is_alone)
    version, score = predictor.manifest.version, round(prediction.score, 5)
    g.answer = {"result": prediction.result, "score": score, "stage_ms": ms}
    if not wants_json(asked.headers.get("Accept", "")):
        return Response(str(prediction.result), mimetype="text/plain", headers={"X-Model-Version": version})
    image = prediction.image
    document = {
        "result": prediction.result,
        "label": prediction.label,
        "score": score,
        "image": {"format": image.format, "width": image.width, "height": image.height},
        "model_version": version,
        "ms": ms,
    }
    return Response(json.dumps(document), mimetype=JSON)


def this_request() -> Request:
    """The request itself: each use of Flask's proxy for it is three calls."""
    return request._get_current_object()  # type: ignore[attr-defined, no-any-return]


def wants_json(accept: str) -> bool:
    """Whether a client would rather have JSON than text; the gateway says so in one word, which needs no parsing."""
    return accept == JSON or request.accept_mimetypes.best_match(["text/plain", JSON]) == JSON


@blueprint.get("/v1/model")
def model() -> Response:
    """The manifest of the model that is served."""
    predictor: Predictor = current_app.config["PREDICTOR"]
    return jsonify(predictor.manifest.document)


@blueprint.get("/healthz")
def healthz() -> Response:
    """The process is alive."""
    return jsonify(status="alive")


@blueprint.get("/readyz")
def readyz() -> Response:
    """The model is loaded, warm and has answered its golden image: before that, nothing listens to this URL.

    The worker's process id tells a roll-out when the one that it asked before is gone.
    """
    predictor: Predictor = current_app.config["PREDICTOR"]
    settings: ModelSettings = current_app.config["SETTINGS"]
    return jsonify(status="ready", model_version=predictor.manifest.version, slot=settings.slot, pid=os.getpid())


@blueprint.get("/metrics")
def metrics() -> Response:
    """For Prometheus: what this slot's workers counted, and the model and the queue of this one."""
    return Response(exposition(current_app.config["COLLECTOR"]), content_type=CONTENT_TYPE)
