"""Every address of the product, and what each kind of user gets there: the table that test_urls.py holds."""

from collections.abc import Iterator

from django.urls import URLPattern, URLResolver, get_resolver

ROLES = ("nobody", "viewer", "labeller", "operator", "administrator")
OUTCOMES = {
    "o": "200, the page, or a form that says what is missing",
    "l": "302, to the log-in page",
    "r": "302, on to where it belongs",
    "b": "400, the request makes no sense",
    "k": "401, an API key is missing",
    "-": "403, not for this user",
    "n": "404, nothing there",
    "m": "405, not by this method",
    "u": "503, no model server in this test",
}


def routes() -> Iterator[str]:
    """Each route of the URL configuration, as Django writes it."""
    yield from _routes(get_resolver(), "")


def _routes(resolver: URLResolver, prefix: str) -> Iterator[str]:
    for pattern in resolver.url_patterns:
        if isinstance(pattern, URLResolver):
            yield from _routes(pattern, prefix + str(pattern.pattern))
        elif isinstance(pattern, URLPattern):
            yield prefix + str(pattern.pattern)
