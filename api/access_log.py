"""Writes one log line a request, without its body or its key, and counts those to get_pm."""

import logging
import time
from collections.abc import Callable
from contextlib import nullcontext
from functools import partial

from django.http import HttpRequest, HttpResponse

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
        """Answer; count and log once the answer is on its way."""
        start = time.perf_counter()
        with metrics.IN_FLIGHT.track_inprogress() if request.path in GET_PM else nullcontext():
            response = self.get_response(request)
        seconds, code = time.perf_counter() - start, request.META.get("PM_ERROR_CODE", "")
        line = {
            "method": request.method,
            "path": request.path,
            "status": response.status_code,
            "ms": round(seconds * 1000, 2),
            "client": client_name(request.META),
            "error_code": code,
            "request_id": current_request_id(),  # which is over by then
        }
        closers: list[Callable[[], None]] = response._resource_closers  # type: ignore[attr-defined] # as Django's handler
        closers.append(partial(logger.info, "request", extra=line))
        if request.path in GET_PM:
            closers.append(partial(metrics.count_request, status=response.status_code, code=code, seconds=seconds))
        return response
