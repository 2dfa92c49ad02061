"""The model service's Flask application: what gunicorn runs in each worker."""

import logging
import logging.config
import os

from flask import Flask, Response, g, jsonify
from gunicorn.http.errors import ParseException
from werkzeug.exceptions import HTTPException, RequestEntityTooLarge

from resnet_server.admission import Admission
from resnet_server.errors import ArtifactError, InvalidRequestError, ServiceError, TooLargeError, error_body
from resnet_server.logs import log_config
from resnet_server.metrics import WorkerCollector
from resnet_server.predictor import load_predictor
from resnet_server.routes import blueprint
from resnet_server.settings import ModelSettings, current_settings
from resnet_server.shortcut import Shortcut
from resnet_server.watchdog import start_watchdog

GUNICORN_APP_LOAD_ERROR = 4  # gunicorn.arbiter.Arbiter.APP_LOAD_ERROR: the master gives up instead of trying for ever
HTTP_CODES = {400: "invalid_request", 404: "not_found", 405: "method_not_allowed", 413: "too_large"}


def create_app(settings: ModelSettings | None = None) -> Flask:
    """Load the model and build the application; in the worker, since engines' threads do not survive a fork.

    Raises: SystemExit when the artifact cannot be trusted: a server that would answer wrongly does not start.
    """
    settings = settings or current_settings()
    logging.config.dictConfig(log_config(settings.log_level))
    app = Flask("resnet_server", static_folder=None)
    app.json.sort_keys = False  # type: ignore[attr-defined]  # Flask's default provider has it
    app.url_map.strict_slashes = False
    app.config["MAX_CONTENT_LENGTH"] = settings.max_image_bytes
    app.config["SETTINGS"] = settings
    try:
        app.config["PREDICTOR"] = predictor = load_predictor(settings)
    except ArtifactError as exc:
        app.logger.critical("model refused", extra={"reason": str(exc), "slot": settings.slot})
        raise SystemExit(GUNICORN_APP_LOAD_ERROR) from exc
    app.config["ADMISSION"] = admission = Admission(settings.slots, settings.queue_size, settings.read_timeout_s)
    app.config["COLLECTOR"] = WorkerCollector(admission, slot=settings.slot, version=predictor.manifest.version)
    start_watchdog(admission, settings.hang_limit_s)
    app.register_blueprint(blueprint)
    register_error_handlers(app)
    app.wsgi_app = Shortcut(app)  # type: ignore[method-assign]
    facts = {"model_version": predictor.manifest.version, "slot": settings.slot, "threads": settings.threads}
    app.logger.info("model ready", extra=facts | {"pid": os.getpid()})
    return app


def register_error_handlers(app: Flask) -> None:
    """Render every error once, in the one body."""

    def render(status: int, code: str, message: str, field: str | None = None) -> Response:
        g.answer = {"error_code": code}
        response = jsonify(error_body(code, message, g.request_id, field))
        response.status_code = status
        if status == 503:
            response.headers["Retry-After"] = "1"
        return response

    @app.errorhandler(ServiceError)
    def service_error(error: ServiceError) -> Response:
        return render(error.status, error.code, error.message, error.field)

    @app.errorhandler(RequestEntityTooLarge)
    def too_large(_: RequestEntityTooLarge) -> Response:
        limit = app.config["MAX_CONTENT_LENGTH"]
        return render(413, TooLargeError.code, f"The image has more than {limit} bytes.")

    @app.errorhandler(ParseException)
    def malformed_chunks(_: ParseException) -> Response:
        return render(400, InvalidRequestError.code, "The body's chunks are malformed.")

    @app.errorhandler(HTTPException)
    def http_error(error: HTTPException) -> Response:
        status = error.code or 500
        response = render(status, HTTP_CODES.get(status, "invalid_request"), error.description or error.name)
        response.headers.extend({k: v for k, v in error.get_headers() if k == "Allow"})
        return response

    @app.errorhandler(Exception)
    def bug(error: Exception) -> Response:
        app.logger.error("unexpected error", exc_info=error)
        return render(
            500, ServiceError.code, "The model server met an unexpected error; the request id finds it in the log."
        )
