"""/healthz and /readyz tell the truth."""

import pytest
from django.db import connection
from django.test import Client

from tests.conftest import Change
from tests.fake_model import FakeModel, Reply


def test_alive_touches_nothing(client: Client, change: Change) -> None:  # pytest-django forbids the database
    response = client.get("/healthz")
    assert (response.status_code, response.json()) == (200, {"status": "alive"})


def test_health_needs_no_key(client: Client, change: Change) -> None:
    change(require_api_key=True)
    assert client.get("/healthz").status_code == 200


@pytest.mark.parametrize("page", ["/healthz", "/readyz"])
def test_health_takes_get_only(client: Client, change: Change, page: str) -> None:
    response = client.post(page)
    assert (response.status_code, response["Allow"]) == (405, "GET, HEAD")


@pytest.mark.django_db
def test_ready_with_one_of_two_model_servers(
    client: Client, change: Change, model: FakeModel, unused_port: int
) -> None:
    change(model_servers=(f"127.0.0.1:{unused_port}", model.address))
    response = client.get("/readyz")
    assert (response.status_code, response.json()) == (
        200,
        {
            "status": "ready",
            "checks": {
                "database": "ok",
                f"127.0.0.1:{unused_port}": "unreachable",
                model.address: "ready (default-0a1b2c3d)",
            },
        },
    )


@pytest.mark.django_db
def test_not_ready_without_a_model_server(client: Client, model: FakeModel) -> None:
    model.ready = Reply({"status": "warming up", "model_version": "v"}, 503)
    response = client.get("/readyz")
    assert (response.status_code, response["Retry-After"]) == (503, "5")
    assert response.json() == {
        "error": {
            "code": "model_unavailable",
            "message": f"No model server is ready: {model.address} not ready.",
            "request_id": response["X-Request-ID"],
        },
        "checks": {"database": "ok", model.address: "not ready"},
    }


@pytest.mark.django_db
def test_not_ready_without_a_database(client: Client, model: FakeModel) -> None:
    with connection.cursor() as cursor:
        cursor.execute('ALTER TABLE "Pm_prediction" RENAME TO "gone"')
    response = client.get("/readyz")
    assert response.status_code == 503
    assert response.json()["error"]["code"] == "storage_unavailable"
    assert response.json()["error"]["message"] == "The database is not ready: unreachable, or not migrated."
