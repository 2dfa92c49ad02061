"""The admin's site: unfold's, with pages of our own below /admin/ and no colours written into its pages."""

from collections.abc import Callable, Iterator
from functools import wraps
from itertools import chain
from typing import Any

from django.core.exceptions import BadRequest
from django.core.paginator import InvalidPage
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.urls import URLPattern, path
from django.views.i18n import JavaScriptCatalog
from unfold.sites import UnfoldAdminSite

View = Callable[..., HttpResponseBase]


class PmAdminSite(UnfoldAdminSite):
    """Where the admin's modules register their models and pages (django.contrib.admin.site)."""

    def __init__(self, name: str = "admin") -> None:
        super().__init__(name)
        self._pages: list[tuple[str, View, str, bool]] = []

    def add_page(self, route: str, view: View, name: str, *, cacheable: bool = False) -> None:
        """Serve `view` at /admin/`route` to signed-in staff; its address is reversed as admin:`name`.

        What is `cacheable` says itself how long browsers keep it; all else they never keep.
        """
        self._pages.append((route, view, name, cacheable))

    def extra_urls(self) -> list[URLPattern]:
        """The pages that are no model's (unfold's hook)."""
        return [path(route, self.admin_view(view, keep), name=name) for route, view, name, keep in self._pages]

    def admin_view(self, view: View, cacheable: bool = False) -> View:  # noqa: FBT001, FBT002 - Django's signature
        """Django's, for a request without NUL: PostgreSQL takes none in any text, and no column holds one."""

        @wraps(view)
        def without_nul(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:  # noqa: ANN401
            if any("\0" in text for text in _texts(request, kwargs)):
                raise BadRequest
            return view(request, *args, **kwargs)

        guarded: View = super().admin_view(without_nul, cacheable)
        return guarded

    def i18n_javascript(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponseBase:  # noqa: ARG002
        """Django's texts of scripts, with the Chinese that it lacks."""
        return JavaScriptCatalog.as_view(packages=["django.contrib.admin", "Pm"])(request)

    def logout(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """Django's; the browser drops the photos that it has kept."""
        response: HttpResponse = super().logout(request, extra_context)
        response["Clear-Site-Data"] = '"cache"'
        return response

    def search(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """Unfold's, whose paginator raises what nobody handles."""
        try:
            response: HttpResponse = super().search(request, extra_context)
        except InvalidPage as exc:
            raise Http404 from exc
        return response

    def each_context(self, request: HttpRequest) -> dict[str, Any]:
        """Colours are in static/Pm/theme.css: unfold would write a style element, which the CSP refuses."""
        return {**super().each_context(request), "colors": {}}


def _texts(request: HttpRequest, kwargs: dict[str, object]) -> Iterator[str]:
    """All that a request names: parts of its path, its query and its form."""
    yield from map(str, kwargs.values())
    for name, values in chain(request.GET.lists(), request.POST.lists()):
        yield from (name, *map(str, values))
