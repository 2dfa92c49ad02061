"""Django's WSGI handler for the API, without the middleware of pages."""

from functools import lru_cache

from django.conf import settings
from django.core.handlers.wsgi import WSGIHandler
from django.http import HttpRequest
from django.urls import ResolverMatch, get_resolver

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

    def resolve_request(self, request: HttpRequest) -> ResolverMatch:
        """Django's own, but that each URL is looked for once. Raises: Resolver404."""
        request.resolver_match = match = _match(request.path_info)
        return match


@lru_cache(maxsize=64)
def _match(path: str) -> ResolverMatch:
    """The view of a path, which takes 26 calls of Python to find; what raises Resolver404 is not kept."""
    return get_resolver().resolve(path)
