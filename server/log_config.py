"""Logging: one JSON line an event on stdout, each with the request's id."""

import os
import sys
from typing import Any, TextIO


def log_stream() -> TextIO:
    """Standard output; under uwsgi, which folds it into standard error, the descriptor that supervisord.conf kept."""
    descriptor = os.environ.get("PM_LOG_FD")
    return open(int(descriptor), "w", encoding="utf-8", closefd=False) if descriptor else sys.stdout


def logging_settings(level: str) -> dict[str, Any]:
    """Django's LOGGING. The access log has the only line of an ordinary request."""
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "filters": {
            "request_id": {"()": "api.request_id.RequestIdFilter"},
            "with_traceback": {"()": "api.request_id.TracebackFilter"},
        },
        "formatters": {
            "json": {
                "()": "pythonjsonlogger.orjson.OrjsonFormatter",
                "fmt": "%(levelname)s %(name)s %(message)s",
                "rename_fields": {"levelname": "level", "name": "logger", "message": "event"},
                "timestamp": "time",
            },
        },
        "handlers": {
            "nowhere": {"class": "logging.NullHandler"},
            "stdout": {
                "class": "logging.StreamHandler",
                "stream": log_stream(),
                "formatter": "json",
                "filters": ["request_id"],
            },
        },
        "root": {"handlers": ["stdout"], "level": level},
        "loggers": {
            # Django writes a line for each 4xx and 5xx, which the access log has already; only its tracebacks are news.
            "django": {"handlers": [], "level": level, "propagate": True},
            "django.request": {"level": "ERROR", "filters": ["with_traceback"], "propagate": True},
            # Without any handler, logging.lastResort would write these to stderr, each with a traceback.
            "django.security.DisallowedHost": {"handlers": ["nowhere"], "propagate": False},
        },
    }
