"""Log set-up of the model service: one JSON line an event, on standard output."""

from typing import Any

from flask import g, has_request_context
from pythonjsonlogger.json import JsonFormatter


class RequestJsonFormatter(JsonFormatter):
    """Adds the request's X-Request-ID to each line that is written while a request is served."""

    def add_fields(self, log_data: dict[str, Any], record: Any, message_dict: dict[str, Any]) -> None:  # noqa: ANN401
        """Fill in the fields of one line."""
        super().add_fields(log_data, record, message_dict)
        if has_request_context() and "request_id" in g:
            log_data["request_id"] = g.request_id


def log_config(level: str) -> dict[str, Any]:
    """The dictionary for logging.config: everything at `level` and above as JSON on standard output."""
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {
            "json": {
                "()": "resnet_server.logs.RequestJsonFormatter",
                "fmt": "%(levelname)s %(name)s %(message)s",
                "rename_fields": {"levelname": "level", "name": "logger", "message": "event"},
                "timestamp": "time",
                "json_ensure_ascii": False,
            }
        },
        "handlers": {
            "stdout": {"class": "logging.StreamHandler", "stream": "ext://sys.stdout", "formatter": "json"},
        },
        "root": {"level": level, "handlers": ["stdout"]},
        "loggers": {
            "gunicorn.error": {"level": level, "handlers": ["stdout"], "propagate": False},
        },
    }
