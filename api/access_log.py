"""Writes one log line a request, without its body or its key, and counts those to get_pm."""

import logging
import time
from collections.abc import Callable
from functools import partial

from django.http import HttpRequest, HttpResponse

import afterwards
from api.request_id import current_request_id
from Pm import metrics
from Pm.authentication import client_name

logger = logging.getLogger("api.access")
GET_PM = ("/api/v1/get_pm", "/api/v1/get_pm/")


class AccessLogMiddleware:
    """Logs method, path, status, milliseconds, client and, for a refusal, the error's code."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answer; the answer waits neither for its line nor for being counted."""
        start, is_counted = time.perf_counter(), request.path in GET_PM
        if is_counted:
            afterwards.do(metrics.IN_FLIGHT.inc)
        response = self.get_response(request)  # raises nothing: Django has made an answer of it
        seconds, status, code = time.perf_counter() - start, response.status_code, request.META.get("PM_ERROR_CODE", "")
        if is_counted:
            afterwards.do(metrics.IN_FLIGHT.dec)
            afterwards.do(partial(metrics.count_request, status=status, code=code, seconds=seconds))
        line = {
            "method": request.method,
            "path": request.path,
            "status": status,
            "ms": round(seconds * 1000, 2),
            "client": client_name(request.META),
            "error_code": code,
            "request_id": current_request_id(),  # which is over by then
        }
        afterwards.log(logger, "request", line)
        return response
