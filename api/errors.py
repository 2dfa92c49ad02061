"""Renders every exception as the one error body: contracts/error.schema.json."""

import logging
import sys
from typing import Any

from django.contrib import admin
from django.core.exceptions import RequestDataTooBig
from django.db import DatabaseError, InterfaceError, OperationalError
from django.db import Error as AnyDatabaseError
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.utils.translation import gettext
from rest_framework import exceptions
from rest_framework.request import Request

from api.request_id import current_request_id
from Pm.body import BODY_TOO_LARGE
from Pm.errors import (
    ApiError,
    InternalError,
    InvalidRequestError,
    MethodNotAllowedError,
    NotFoundError,
    PermissionDeniedError,
    StorageUnavailableError,
    TooLargeError,
)

logger = logging.getLogger(__name__)
NOT_FOUND = "There is nothing at this address."
NO_DATABASE = "The database cannot be reached; nothing was answered."


def error_body(error: ApiError) -> dict[str, dict[str, str]]:
    """The one error body of the product."""
    body = {"code": error.code, "message": error.message, "request_id": current_request_id()}
    return {"error": body | ({"field": error.field} if error.field else {})}


def as_api_error(exc: BaseException | None) -> ApiError:
    """The refusal that an exception stands for; an unexpected one is our bug, and its text stays in the log."""
    match exc:
        case ApiError():
            return exc
        case RequestDataTooBig():
            return TooLargeError(BODY_TOO_LARGE)
        case OperationalError() | InterfaceError():
            return StorageUnavailableError(NO_DATABASE)
        case DatabaseError() if type(exc) is DatabaseError:  # SQLite's word for a damaged file
            return StorageUnavailableError(NO_DATABASE)
        case Http404() | exceptions.NotFound():
            return NotFoundError(NOT_FOUND)
        case exceptions.MethodNotAllowed():
            return MethodNotAllowedError("The Allow header names the methods that this address takes.")
    return InternalError("Something went wrong on our side; the request_id finds it in our log.")


def handle_exception(exc: Exception, context: dict[str, Any]) -> JsonResponse:
    """Django REST framework's EXCEPTION_HANDLER; JSON also where the view itself would write HTML."""
    error = as_api_error(exc)
    if isinstance(error, InternalError | StorageUnavailableError):
        logger.error("unexpected: %s", error.code, exc_info=exc)
    response = _render(context["request"], error)
    if isinstance(error, MethodNotAllowedError):
        response["Allow"] = ", ".join(context["view"].allowed_methods)
    return response


def _render(request: HttpRequest | Request, error: ApiError) -> JsonResponse:
    request.META["PM_ERROR_CODE"] = error.code
    dumps = {"ensure_ascii": False, "separators": (",", ":")}
    return JsonResponse(error_body(error), status=error.status, headers=error.headers, json_dumps_params=dumps)


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Django's handler400: an unknown Host header, a body over the limit, too many fields."""
    error = as_api_error(exception)
    if isinstance(error, InternalError):
        error = InvalidRequestError("The request is not acceptable: its Host header or its form is at fault.")
    return _page(request, error, gettext("This request cannot be understood.")) or _render(request, error)


def permission_denied(request: HttpRequest, exception: Exception) -> HttpResponse:  # noqa: ARG001 - Django's signature
    """Django's handler403."""
    error = PermissionDeniedError("This is not for you.")
    return _page(request, error, gettext("You may not do this; ask an administrator.")) or _render(request, error)


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:  # noqa: ARG001 - Django's signature
    """Django's CSRF_FAILURE_VIEW: a form without the token of this session; Django has logged the reason."""
    error = PermissionDeniedError("This form is not of this session.")
    title = gettext("This page is out of date, and nothing was saved. Go back, reload it, and try again.")
    return _page(request, error, title) or _render(request, error)


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:  # noqa: ARG001 - Django's signature
    """Django's handler404."""
    error = NotFoundError(NOT_FOUND)
    return _page(request, error, gettext("There is nothing at this address, or no longer.")) or _render(request, error)


def _page(request: HttpRequest, error: ApiError, title: str) -> HttpResponse | None:
    """The refusal for a person who uses the admin, in their language; None for programs, and without a database.

    A request that was refused before anybody looked who asks has no user, without whom there is no page.
    """
    is_person = request.path.startswith("/admin/") and "text/html" in request.headers.get("Accept", "")
    if not (is_person and hasattr(request, "user")):
        return None
    try:
        context = admin.site.each_context(request)
    except AnyDatabaseError:
        return None
    context |= {"title": title, "request_id": current_request_id()}
    request.META["PM_ERROR_CODE"] = error.code
    return render(request, "Pm/error.html", context, status=error.status)


def internal_error(request: HttpRequest) -> JsonResponse:
    """Django's handler500, called while the exception is handled; Django has logged the traceback."""
    return _render(request, as_api_error(sys.exception()))
