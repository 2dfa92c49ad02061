"""The API's handler: Django's with less middleware, and its answers are the same."""

import io
import json
from typing import Any
from wsgiref.util import setup_testing_defaults

import pytest
from django.conf import settings
from django.core.handlers.wsgi import WSGIHandler

from api.handler import API, ApiHandler


def ask(handler: WSGIHandler, method: str, path: str, body: bytes = b"") -> tuple[int, dict[str, str], Any]:
    """Status, headers and JSON that a handler answers a client who has a session's cookie."""
    environ: dict[str, Any] = {
        "REQUEST_METHOD": method,
        "PATH_INFO": path,
        "CONTENT_LENGTH": str(len(body)),
        "wsgi.input": io.BytesIO(body),
        "HTTP_HOST": "127.0.0.1",
        "HTTP_COOKIE": "sessionid=abc; csrftoken=def; django_language=zh-hans",
        "HTTP_X_REQUEST_ID": "one",
    }
    setup_testing_defaults(environ)
    response = handler(environ, lambda *_: lambda _: None)
    return response.status_code, dict(response.items()), json.loads(b"".join(response))


# What nginx adds to every answer (tests/e2e/test_errors.py), and Django's middleware for pages to theirs.
FOR_BROWSERS = {"X-Content-Type-Options", "X-Frame-Options", "Referrer-Policy", "Cross-Origin-Opener-Policy"}


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("GET", "get_pm/", b"", 405),
        ("POST", "get_pm/", b"{", 400),
        ("POST", "get_pm", b'{"image_id": "1"}', 400),
        ("GET", "metrics", b"", 401),
        ("GET", "nothing", b"", 404),
    ],
)
def test_it_answers_as_with_the_middleware_of_pages(method: str, path: str, body: bytes, status: int) -> None:
    answer, pages = ask(ApiHandler(), method, API + path, body), ask(WSGIHandler(), method, API + path, body)
    assert answer[0] == status
    assert pages[1].pop("Vary") == "Cookie"  # Django's messages looked for a session
    assert set(pages[1]) - set(answer[1]) == FOR_BROWSERS
    assert answer == (status, {name: value for name, value in pages[1].items() if name not in FOR_BROWSERS}, pages[2])


def test_django_keeps_its_own_list_whatever_is_wrong_with_the_apis(monkeypatch: pytest.MonkeyPatch) -> None:
    before = settings.MIDDLEWARE
    monkeypatch.setattr(settings, "API_MIDDLEWARE", ["nowhere.Middleware"])
    with pytest.raises(ImportError, match="nowhere"):
        ApiHandler()
    assert settings.MIDDLEWARE is before
