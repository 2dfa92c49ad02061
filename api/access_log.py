"""Writes one log line a request, without its body or its key, and counts those to get_pm."""

import logging
import time
from collections.abc import Callable
from contextlib import nullcontext

from django.http import HttpRequest, HttpResponse

from Pm import metrics
from Pm.authentication import client_name

logger = logging.getLogger("api.access")
GET_PM = ("/api/v1/get_pm", "/api/v1/get_pm/")


class AccessLogMiddleware:
    """Logs method, path, status, milliseconds, client and, for a refusal, the error's code."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answer, then count and log."""
        start = time.perf_counter()
        with metrics.IN_FLIGHT.track_inprogress() if request.path in GET_PM else nullcontext():
            response = self.get_response(request)
        seconds, code = time.perf_counter() - start, request.META.get("PM_ERROR_CODE", "")
        if request.path in GET_PM:
            metrics.count_request(status=response.status_code, code=code, seconds=seconds)
        line = {
            "method": request.method,
            "path": request.path,
            "status": response.status_code,
            "ms": round(seconds * 1000, 2),
            "client": client_name(request.META),
            "error_code": code,
        }
        logger.info("request", extra=line)
        return response
