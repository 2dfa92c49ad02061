"""Speaks the reader's language in the admin only; the API's messages are always English."""

from django.http import HttpRequest, HttpResponseBase
from django.middleware.locale import LocaleMiddleware
from django.utils import translation


class AdminLocaleMiddleware(LocaleMiddleware):
    """Django's LocaleMiddleware below /admin/; elsewhere the default language stays."""

    def process_request(self, request: HttpRequest) -> None:
        """Choose the language for this thread."""
        if request.path_info.startswith("/admin/"):
            super().process_request(request)

    def process_response(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        """Give the thread its default language back: the next request in it may be the API's."""
        if request.path_info.startswith("/admin/"):
            response = super().process_response(request, response)
            translation.deactivate()
        return response
