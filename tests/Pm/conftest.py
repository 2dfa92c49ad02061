"""Fixtures of the tests of roll-outs."""

from pathlib import Path

import pytest

from Pm import rollout
from tests.conftest import Change
from tests.Pm.fake_servers import Make, Servers
from tests.tiny_model import write_artifact


@pytest.fixture
def servers(change: Change, monkeypatch: pytest.MonkeyPatch) -> Servers:
    change(model_servers=("primary:1", "backup:2"))
    fake = Servers()
    monkeypatch.setattr(rollout, "check_artifact", fake.check)
    monkeypatch.setattr(rollout, "serve", fake.serve)
    monkeypatch.setattr(rollout, "serving", fake.serving)
    return fake


@pytest.fixture
def make(tmp_path: Path) -> Make:
    """Makes a real artifact of a version."""
    return lambda version: write_artifact(tmp_path / "made" / version, version=version)
