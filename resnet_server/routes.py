"""The model service's URLs."""

import os
import re
import time
import uuid
from dataclasses import asdict

from flask import Blueprint, Response, current_app, g, jsonify, request

from process_metrics import CONTENT_TYPE, exposition
from resnet_server.admission import Admission
from resnet_server.image_source import read_image
from resnet_server.metrics import count_request
from resnet_server.predictor import Predictor, StageTimes
from resnet_server.settings import ModelSettings

blueprint = Blueprint("v1", __name__)
REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")


@blueprint.before_app_request
def start_request() -> None:
    """Take the caller's X-Request-ID where it is well formed, else make one."""
    given = request.headers.get("X-Request-ID", "")
    g.request_id = given if REQUEST_ID.fullmatch(given) else uuid.uuid4().hex
    g.started = time.perf_counter()


@blueprint.after_app_request
def end_request(response: Response) -> Response:
    """Echo the request id, count the request and write its log line; health checks are too many to log."""
    response.headers["X-Request-ID"] = g.request_id
    seconds, status, answer = time.perf_counter() - g.started, response.status_code, g.get("answer", {})
    if request.endpoint == "v1.is_online":
        code, stage_ms = answer.get("error_code", ""), answer.get("stage_ms", {})
        count_request(status=status, code=code, seconds=seconds, stage_ms=stage_ms)
    if request.path.startswith("/v1/"):
        ms = round(seconds * 1000, 3)
        facts = {"method": request.method, "path": request.path, "status": status, "ms": ms}
        current_app.logger.info("request", extra=facts | answer)
    return response


@blueprint.post("/v1/is_online/")
def is_online() -> Response:
    """Answer 0 (offline) or 1 (online) for one picture, as text or, when asked for, as JSON."""
    settings: ModelSettings = current_app.config["SETTINGS"]
    predictor: Predictor = current_app.config["PREDICTOR"]
    admission: Admission = current_app.config["ADMISSION"]
    data = read_image(request, settings.image_root, settings.max_image_bytes)
    ms: StageTimes = {}
    with admission.slot() as ms["queue"]:
        prediction = predictor.predict(data, ms)
    version = predictor.manifest.version
    g.answer = {"result": prediction.result, "score": round(prediction.score, 5), "stage_ms": ms}
    if request.accept_mimetypes.best_match(["text/plain", "application/json"]) != "application/json":
        return Response(str(prediction.result), mimetype="text/plain", headers={"X-Model-Version": version})
    return jsonify(asdict(prediction) | {"score": round(prediction.score, 5), "model_version": version, "ms": ms})


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
