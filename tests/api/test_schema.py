"""The OpenAPI document is valid, true, and readable without internet."""

import json
from typing import Any

import pytest
from django.contrib.staticfiles import finders
from django.test import Client
from drf_spectacular.validation import validate_schema
from jsonschema import Draft202012Validator

from Pm.errors import ERRORS, MethodNotAllowedError, NotFoundError
from server.env import ROOT
from tests.conftest import Change


@pytest.fixture
def document(client: Client, change: Change) -> dict[str, Any]:
    response = client.get("/api/schema/")
    assert response.status_code == 200
    return dict(json.loads(response.content))


def test_document_is_valid_openapi(document: dict[str, Any]) -> None:
    validate_schema(document)  # type: ignore[no-untyped-call]
    assert list(document["paths"]) == ["/api/v1/get_pm/", "/healthz", "/readyz"]


def test_document_is_json_whatever_is_asked_for(client: Client, change: Change) -> None:
    assert client.get("/api/schema/?format=yaml", headers={"Accept": "text/html"}).json()["openapi"] == "3.0.3"


def test_document_names_every_status_of_a_post(document: dict[str, Any]) -> None:
    statuses = {str(int(error.status)) for error in ERRORS if error not in (NotFoundError, MethodNotAllowedError)}
    assert set(document["paths"]["/api/v1/get_pm/"]["post"]["responses"]) == statuses | {"200"}


def test_every_example_is_in_its_contract(document: dict[str, Any]) -> None:
    validator = Draft202012Validator(json.loads((ROOT / "contracts/error.schema.json").read_text()))
    codes = set()
    for path in document["paths"].values():
        for operation in path.values():
            for status, response in operation["responses"].items():
                examples = response["content"]["application/json"]["examples"].values()
                for example in examples if status != "200" else ():
                    validator.validate(example["value"])
                    codes.add(example["value"]["error"]["code"])
    assert codes == {error.code for error in ERRORS if error not in (NotFoundError, MethodNotAllowedError)}


def test_keys_are_optional_or_required_as_the_service_is_set_up(
    client: Client, change: Change, document: dict[str, Any]
) -> None:
    assert document["paths"]["/api/v1/get_pm/"]["post"]["security"] == [{"ApiKey": []}, {}]
    change(require_api_key=True)
    post = client.get("/api/schema/").json()["paths"]["/api/v1/get_pm/"]["post"]
    assert post["security"] == [{"ApiKey": []}]


def test_docs_page_loads_nothing_from_elsewhere(client: Client, change: Change) -> None:
    page = client.get("/api/docs/").content.decode()
    assert "/static/drf_spectacular_sidecar/swagger-ui-dist/swagger-ui-bundle.js" in page
    assert "http://" not in page
    assert "https://" not in page
    assert finders.find("drf_spectacular_sidecar/swagger-ui-dist/swagger-ui-bundle.js")


def test_no_version_is_taken_from_a_client(client: Client, change: Change) -> None:
    answer = client.get("/api/schema/", {"version": "1\r\nX-Evil: 1"})
    assert answer.status_code == 200
    assert answer["Content-Disposition"] == 'inline; filename="Pm.json"'
