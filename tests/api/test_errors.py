"""The one error body, wherever an error comes from."""

from typing import Any

import pytest
from django.core.exceptions import RequestDataTooBig, SuspiciousOperation
from django.db import DatabaseError, DataError, InterfaceError, OperationalError
from django.http import Http404, HttpResponse
from django.test import Client, override_settings
from django.urls import path

from api.errors import as_api_error
from api.request_id import current_request_id
from Pm.json_view import JsonView
from server import urls as server_urls
from tests.conftest import Change


class BuggyView(JsonView):
    """A view with a bug."""

    authentication_classes = ()

    def get(self, request: Any) -> None:  # noqa: ARG002
        raise RuntimeError("the secret of the trace")


def buggy_page(request: Any) -> HttpResponse:
    raise RuntimeError("the secret of the trace")


urlpatterns = [*server_urls.urlpatterns, path("bug", BuggyView.as_view()), path("page", buggy_page)]
handler400, handler403 = server_urls.handler400, server_urls.handler403
handler404, handler500 = server_urls.handler404, server_urls.handler500


@pytest.fixture(autouse=True)
def plain_settings(change: Change) -> None: ...


@pytest.mark.parametrize("address", ["/nowhere", "/api/v2/get_pm/", "/api/v1/get_pm/x", "/%00", "/.env"])
def test_unknown_address_is_404_in_the_one_body(client: Client, address: str) -> None:
    response = client.get(address)
    assert response.status_code == 404
    assert response.json() == {
        "error": {
            "code": "not_found",
            "message": "There is nothing at this address.",
            "request_id": response["X-Request-ID"],
        }
    }


def test_unknown_host_is_400_in_the_one_body(client: Client) -> None:
    response = client.post("/api/v1/get_pm/", headers={"Host": "evil.example"})
    assert (response.status_code, response.json()["error"]["code"]) == (400, "invalid_request")


@pytest.mark.parametrize("address", ["/bug", "/page"])
@override_settings(ROOT_URLCONF=__name__)
def test_bug_is_500_with_fixed_text_and_the_trace_only_in_the_log(
    client: Client, caplog: pytest.LogCaptureFixture, address: str
) -> None:
    client.raise_request_exception = False
    response = client.get(address)
    assert response.status_code == 500
    assert response.json()["error"] == {
        "code": "internal_error",
        "message": "Something went wrong on our side; the request_id finds it in our log.",
        "request_id": response["X-Request-ID"],
    }
    assert "the secret of the trace" in caplog.text


@pytest.mark.parametrize(
    ("exc", "code"),
    [
        (Http404(), "not_found"),
        (RequestDataTooBig(), "too_large"),
        (OperationalError(), "storage_unavailable"),
        (DatabaseError("database disk image is malformed"), "storage_unavailable"),
        (InterfaceError(), "storage_unavailable"),
        (DataError(), "internal_error"),
        (SuspiciousOperation(), "internal_error"),
        (None, "internal_error"),
    ],
)
def test_exceptions_become_errors(exc: Exception | None, code: str) -> None:
    assert as_api_error(exc).code == code


@pytest.mark.parametrize("given", ["a", "A-b_c.9", "x" * 64])
def test_acceptable_request_id_is_kept(client: Client, given: str) -> None:
    assert client.get("/healthz", headers={"X-Request-ID": given})["X-Request-ID"] == given


@pytest.mark.parametrize("given", ["", "x" * 65, "a b", "a\n", "编号", "<script>", "a/b"])
def test_unacceptable_request_id_is_replaced(client: Client, given: str) -> None:
    made = client.get("/healthz", headers={"X-Request-ID": given})["X-Request-ID"]
    assert len(made) == 32
    assert int(made, 16)
    assert current_request_id() == ""
