"""Django's WSGI handler for the API, without the middleware of pages."""

from django.conf import settings
from django.core.handlers.wsgi import WSGIHandler

API = "/api/v1/"


class ApiHandler(WSGIHandler):
    """Loads settings.API_MIDDLEWARE: sessions, forms and messages cost a photo 100 calls of Python for nothing."""

    def load_middleware(self, is_async: bool = False) -> None:  # noqa: FBT001, FBT002 - Django's signature
        """Django knows one list only, and reads it here."""
        pages = settings.MIDDLEWARE
        settings.MIDDLEWARE = settings.API_MIDDLEWARE
        try:
            super().load_middleware(is_async)
        finally:
            settings.MIDDLEWARE = pages
