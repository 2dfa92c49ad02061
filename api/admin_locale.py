"""The reader's language and the report's time zone, in the admin only: the API is English and UTC."""

from django.conf import settings
from django.http import HttpRequest, HttpResponseBase
from django.middleware.locale import LocaleMiddleware
from django.utils import timezone, translation


class AdminLocaleMiddleware(LocaleMiddleware):
    """Django's LocaleMiddleware below /admin/; elsewhere the default language stays."""

    def process_request(self, request: HttpRequest) -> None:
        """Choose the language and the zone for this thread."""
        if request.path_info.startswith("/admin/"):
            super().process_request(request)
            timezone.activate(settings.GATEWAY.report_time_zone)

    def process_response(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        """Give the thread its defaults back: the next request in it may be the API's."""
        if request.path_info.startswith("/admin/"):
            response = super().process_response(request, response)
            translation.deactivate()
            timezone.deactivate()
        return response
