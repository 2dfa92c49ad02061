"""Fixtures of the model service's tests: a tiny artifact and an application that serves it."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient

from resnet_server.app import create_app
from resnet_server.settings import ModelSettings, read_settings
from resnet_server.shortcut import GATEWAYS
from tests.tiny_model import write_artifact


@pytest.fixture
def artifact(tmp_path: Path) -> Path:
    return write_artifact(tmp_path / "tiny")


@pytest.fixture
def settings(artifact: Path, tmp_path: Path) -> ModelSettings:
    (tmp_path / "root").mkdir()
    base = read_settings(tmp_path / "no.env")
    return replace(base, artifact=artifact, threads=2, image_root=tmp_path / "root", max_image_bytes=100_000)


@pytest.fixture
def make_client(settings: ModelSettings) -> Callable[..., FlaskClient]:
    def make(**changes: Any) -> FlaskClient:
        return create_app(replace(settings, **changes)).test_client()

    return make


@pytest.fixture
def client(make_client: Callable[..., FlaskClient]) -> FlaskClient:
    return make_client()


@pytest.fixture(params=["by Flask", "past Flask"])
def way(request: pytest.FixtureRequest) -> dict[str, str]:
    """The headers of anybody's picture, and those of the gateway's, which takes the shortcut."""
    if request.param == "by Flask":
        return {}
    return {"Accept": GATEWAYS["HTTP_ACCEPT"], "Content-Type": GATEWAYS["CONTENT_TYPE"]}
