"""The golden examples hold their schemas, and the gateway holds both."""

import json
from pathlib import Path
from typing import Any

import pytest
from django.http import HttpResponse
from jsonschema import Draft202012Validator

from Pm.errors import ERRORS
from Pm.serializers import GetPmRequestSerializer
from server.env import ROOT
from tests.conftest import PNG, Change, Post
from tests.fake_model import FakeModel

CONTRACTS = ROOT / "contracts"
EXAMPLES = sorted((CONTRACTS / "examples").glob("*.json"))


def load(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))


def validator(name: str) -> Draft202012Validator:
    return Draft202012Validator(load(CONTRACTS / f"{name}.schema.json"))


def schema_of(example: Path) -> str:
    first, second, *_ = example.name.split(".")
    return first if first == "error" else f"{first}.{second}"


@pytest.mark.parametrize("name", ["error", "get_pm.request", "get_pm.answer"])
def test_schema_is_a_schema(name: str) -> None:
    Draft202012Validator.check_schema(load(CONTRACTS / f"{name}.schema.json"))


@pytest.mark.parametrize(
    "example",
    [path for path in EXAMPLES if path.name.startswith(("error.", "get_pm."))],
    ids=lambda path: path.name,
)
def test_example_holds_its_schema(example: Path) -> None:
    validator(schema_of(example)).validate(load(example))


def test_every_error_has_an_example() -> None:
    named = {path.name.split(".")[1] for path in EXAMPLES if path.name.startswith("error.")}
    assert named >= {error.code for error in ERRORS}


@pytest.mark.parametrize("example", [path for path in EXAMPLES if ".request." in path.name], ids=lambda path: path.name)
def test_gateway_reads_the_same_picture_from_each_example(example: Path, change: Change) -> None:
    change()
    assert GetPmRequestSerializer(data=load(example)).read("image_base64") == PNG


@pytest.mark.django_db
def test_gateway_answers_in_the_contract(model: FakeModel, post: Post) -> None:
    answers: list[tuple[str, HttpResponse]] = [
        ("get_pm.answer", post()),
        ("error", post(b"")),
        ("error", post({"image_id": "1", "image_base64": "!"})),
    ]
    for name, response in answers:
        validator(name).validate(json.loads(response.content))
