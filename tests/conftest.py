"""Fixtures that several folders share: settings that no .env changes, fake model servers, one way to post."""

import base64
import dataclasses
import json
import os
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from unittest.mock import patch

import hypothesis
import pytest
from django.test import Client, override_settings
from pytest_django import Settings

from Pm import background, processes
from Pm import client as model_client_module
from server.env import DEFAULTS, GatewaySettings, read_settings
from tests.fake_model import FakeModel

PNG = base64.b64decode("iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAIAAACQd1PeAAAADElEQVR4nGP4z8AAAAMBAQDJ/pLvAAAAAElFTkSuQmCC")
Change = Callable[..., GatewaySettings]
Post = Callable[..., Any]  # the test client's response, which has json()

hypothesis.settings.register_profile("patient", deadline=None)  # no test depends on time being fast
hypothesis.settings.load_profile("patient")


@pytest.fixture(scope="session", autouse=True)
def quick_passwords() -> Iterator[None]:
    """Hundreds of tests sign in, and a password takes the gateway's own hasher a third of a second on purpose."""
    with override_settings(PASSWORD_HASHERS=["django.contrib.auth.hashers.MD5PasswordHasher"]):
        yield


@pytest.fixture
def clean_environ() -> Iterator[None]:
    """No setting in the environment; what a test's .env puts there goes again."""
    with patch.dict(os.environ):
        for name in DEFAULTS:
            os.environ.pop(name, None)
        yield


@pytest.fixture
def default_gateway(clean_environ: None, tmp_path: Path) -> GatewaySettings:
    return dataclasses.replace(read_settings(tmp_path / "no.env"), var_dir=tmp_path / "var")


@pytest.fixture
def unused_port() -> int:
    """A port that refuses connections."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture
def change(settings: Settings, default_gateway: GatewaySettings, unused_port: int) -> Iterator[Change]:
    """Changes the gateway's settings; without a `model` no model server answers."""

    def forget_client() -> None:
        if model_client_module._client.cache_info().currsize:
            model_client_module.model_client().close()
            model_client_module._client.cache_clear()

    def apply(**values: Any) -> GatewaySettings:
        if values:
            forget_client()  # it was of the settings before
        changed: GatewaySettings = dataclasses.replace(settings.GATEWAY, **values)
        settings.GATEWAY = changed
        settings.DATA_UPLOAD_MAX_MEMORY_SIZE = changed.max_body_bytes
        return changed

    settings.GATEWAY = default_gateway
    settings.SECURE_SSL_REDIRECT = False
    settings.CORS_ALLOWED_ORIGINS = []
    apply(internal_port=unused_port, model_servers=(f"127.0.0.1:{unused_port}",))
    yield apply
    forget_client()


@pytest.fixture
def commands(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, ...]]:
    """What would have been started in processes of its own."""
    started: list[tuple[str, ...]] = []
    monkeypatch.setattr(background, "start", lambda *command: started.append(command))
    return started


@pytest.fixture
def every_process_is_a_command(monkeypatch: pytest.MonkeyPatch) -> None:
    """This one too, which records name where tests call commands."""
    monkeypatch.setattr(processes, "COMMAND", b"")


@pytest.fixture
def spare_model() -> Iterator[FakeModel]:
    """A model server that only MODEL_SERVERS knows."""
    server = FakeModel()
    yield server
    server.stop()


@pytest.fixture
def model(change: Change) -> Iterator[FakeModel]:
    """What the gateway takes for the balancer and for the only model server."""
    server = FakeModel()
    change(internal_port=server.port, model_servers=(server.address,))
    yield server
    server.stop()


@pytest.fixture
def post(client: Client, change: Change) -> Post:
    """Posts fields as a JSON object, or raw bytes, to get_pm."""

    def send(body: object = None, *, path: str = "/api/v1/get_pm/", **extra: Any) -> Any:
        document = {"image_id": "12345", "image_base64": base64.b64encode(PNG).decode()} if body is None else body
        raw = document if isinstance(document, bytes) else json.dumps(document).encode()
        extra = {"content_type": "application/json"} | extra
        return client.generic("POST", path, raw, **extra)

    return send
