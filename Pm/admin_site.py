"""The admin's site: unfold's, with pages of our own below /admin/ and no colours written into its pages."""

from collections.abc import Callable
from typing import Any

from django.http import HttpRequest, HttpResponseBase
from django.urls import URLPattern, path
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

    def each_context(self, request: HttpRequest) -> dict[str, Any]:
        """Colours are in static/Pm/theme.css: unfold would write a style element, which the CSP refuses."""
        return {**super().each_context(request), "colors": {}}
