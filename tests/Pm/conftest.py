"""Fixtures of the tests of roll-outs and canaries."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import settings

from Pm import canary, canary_release, canary_server, roll_out_steps, rollout
from tests.conftest import Change
from tests.fake_model import ANSWER, FakeModel, Reply
from tests.Pm.canaries import NEW
from tests.Pm.fake_servers import Make, Servers, deploy
from tests.tiny_model import write_artifact


@pytest.fixture
def servers(change: Change, monkeypatch: pytest.MonkeyPatch) -> Servers:
    change(model_servers=("primary:1", "backup:2"))
    fake = Servers()
    monkeypatch.setattr(roll_out_steps, "check_artifact", fake.check)
    monkeypatch.setattr(roll_out_steps, "serve", fake.serve)
    monkeypatch.setattr(rollout, "serving", fake.serving)
    monkeypatch.setattr(canary_release, "serving", fake.serving)
    return fake


@pytest.fixture
def make(tmp_path: Path) -> Make:
    """Makes a real artifact of a version."""
    return lambda version: write_artifact(tmp_path / "made" / version, version=version)


@pytest.fixture
def stable(servers: Servers, make: Make) -> Servers:
    """Both servers serve v1."""
    deploy(make("v1"))
    servers.loads.clear()
    return servers


@pytest.fixture
def backup(model: FakeModel, change: Change) -> Iterator[FakeModel]:
    """The server of the canary v2; `model` is the balancer, behind which the stable version answers."""
    server = FakeModel()
    server.reply = Reply(ANSWER | {"model_version": "v2", "result": 1, "label": "online"})
    change(model_servers=(model.address, server.address))
    canary.publish(NEW)
    canary_server._in_a_row.clear()
    yield server
    if canary_server._client.cache_info().currsize:
        limit_s = settings.GATEWAY.model_read_timeout_s * canary_server.SHARE_OF_TIME
        canary_server._client(f"http://{server.address}", limit_s).close()
        canary_server._client.cache_clear()
    server.stop()
