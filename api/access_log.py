"""Writes one log line a request, without its body or its key."""

import logging
import time
from collections.abc import Callable

from django.http import HttpRequest, HttpResponse

from Pm.authentication import client_name

logger = logging.getLogger("api.access")


class AccessLogMiddleware:
    """Logs method, path, status, milliseconds, client and, for a refusal, the error's code."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answer, then log."""
        start = time.perf_counter()
        response = self.get_response(request)
        line = {
            "method": request.method,
            "path": request.path,
            "status": response.status_code,
            "ms": round((time.perf_counter() - start) * 1000, 2),
            "client": client_name(request.META),
            "error_code": request.META.get("PM_ERROR_CODE", ""),
        }
        logger.info("request", extra=line)
        return response
