"""The model service's URLs."""

import json
import os
import time

from flask import Blueprint, Response, current_app, g, jsonify, request

from process_metrics import CONTENT_TYPE, exposition
from resnet_server.answers import JSON, answer, facts_of, note, request_id_of
from resnet_server.image_source import read_image
from resnet_server.predictor import Predictor
from resnet_server.settings import ModelSettings
from resnet_server.shortcut import FAILURE, STARTED

blueprint = Blueprint("v1", __name__)


@blueprint.before_app_request
def start_request() -> None:
    """Take the caller's X-Request-ID where it is well formed, else make one."""
    g.request_id = request_id_of(request.headers.get("X-Request-ID", ""))
    g.started = request.environ.get(STARTED) or time.perf_counter()


@blueprint.after_app_request
def end_request(response: Response) -> Response:
    """Echo the request id, and note the request; health checks are too many for that."""
    response.headers["X-Request-ID"] = g.request_id
    if request.path.startswith("/v1/"):
        line = {"method": request.method, "path": request.path, "status": response.status_code}
        line |= {"request_id": g.request_id} | g.get("answer", {})
        note(current_app.logger, line, started=g.started, is_counted=request.endpoint == "v1.is_online")
    return response


@blueprint.post("/v1/is_online/")
def is_online() -> Response:
    """Answer 0 (offline) or 1 (online) for one picture, as text or, when asked for, as JSON.

    What the gateway asks comes here only to be refused: shortcut.py answers it.
    """
    if FAILURE in request.environ:
        # No name may hold it here: its traceback holds this frame, and such a circle would keep the photo in memory.
        raise request.environ.pop(FAILURE)
    settings: ModelSettings = current_app.config["SETTINGS"]
    picture = read_image(request, settings.image_root, settings.max_image_bytes)
    document = answer(current_app.config, picture)
    g.answer = facts_of(document)
    if wants_json():
        return Response(json.dumps(document), mimetype=JSON)
    version = {"X-Model-Version": document["model_version"]}
    return Response(str(document["result"]), mimetype="text/plain", headers=version)


def wants_json() -> bool:
    """Whether a client would rather have JSON than text."""
    return request.accept_mimetypes.best_match(["text/plain", JSON]) == JSON


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
