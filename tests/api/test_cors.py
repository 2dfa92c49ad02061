"""CORS: pages from listed origins only."""

import pytest
from django.test import Client
from pytest_django import Settings

from tests.conftest import Change

ORIGIN = "https://app.example.org"
PREFLIGHT = {"Origin": ORIGIN, "Access-Control-Request-Method": "POST"}


@pytest.fixture
def listing(settings: Settings) -> Settings:
    """As server/settings.py has them where an origin is listed."""
    place = settings.MIDDLEWARE.index("django.middleware.security.SecurityMiddleware") + 1
    settings.MIDDLEWARE = [*settings.MIDDLEWARE]
    settings.MIDDLEWARE.insert(place, "corsheaders.middleware.CorsMiddleware")
    return settings


def test_listed_origin_may_post_and_read_our_headers(client: Client, change: Change, listing: Settings) -> None:
    listing.CORS_ALLOWED_ORIGINS = [ORIGIN]
    response = client.options("/api/v1/get_pm/", headers=PREFLIGHT)
    assert response["Access-Control-Allow-Origin"] == ORIGIN
    assert response["Access-Control-Allow-Methods"] == "POST"
    answer = client.get("/api/v1/get_pm/", headers={"Origin": ORIGIN})
    assert answer["Access-Control-Expose-Headers"] == "X-Request-ID, X-Model-Version, X-Score, Retry-After"


def test_other_origins_may_not(client: Client, change: Change, listing: Settings) -> None:
    listing.CORS_ALLOWED_ORIGINS = ["https://other.example.org"]
    assert "Access-Control-Allow-Origin" not in client.options("/api/v1/get_pm/", headers=PREFLIGHT)


def test_no_origin_may_where_none_is_listed(client: Client, change: Change) -> None:
    response = client.options("/api/v1/get_pm/", headers=PREFLIGHT)
    assert (response.status_code, response["Allow"]) == (405, "POST")
    assert "Access-Control-Allow-Origin" not in response


def test_other_pages_are_never_shared(client: Client, change: Change, listing: Settings) -> None:
    listing.CORS_ALLOWED_ORIGINS = [ORIGIN]
    assert "Access-Control-Allow-Origin" not in client.get("/admin/login/", headers={"Origin": ORIGIN})
