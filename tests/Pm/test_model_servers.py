"""The processes behind a roll-out: the check that may die, the server that refuses, fails or takes too long."""

import json
import os
import subprocess
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from Pm import model_servers
from Pm.errors import RollOutError
from Pm.model_servers import CanarySet, check_artifact, program, serve, serving
from tests.conftest import Change
from tests.fake_model import FakeModel, Reply

SLOT = "resnet_server1"


class Supervisord:
    """Keeps a server's state; `on_hup` is what the signal does."""

    def __init__(self, log: Path) -> None:
        self.state = "RUNNING"
        self.log = log
        self.calls: list[tuple[object, ...]] = []
        self.on_hup: Callable[[], object] = lambda: None

    def __call__(self, method: str, *arguments: object) -> Any:
        if method == "getProcessInfo":
            return {"statename": self.state, "stdout_logfile": str(self.log)}
        self.calls.append((method, *arguments))
        self.on_hup()
        return True

    def write(self, **event: str) -> None:
        with self.log.open("a") as file:
            file.write(json.dumps({"time": datetime.now(UTC).isoformat(), **event}) + "\n")


@pytest.fixture
def supervisord(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Supervisord:
    fake = Supervisord(tmp_path / "res1_out.log")
    monkeypatch.setattr(model_servers, "supervisor", fake)
    monkeypatch.setattr(model_servers, "READY_LIMIT_S", 5.0)
    return fake


def ready(version: str, pid: int) -> Reply:
    return Reply({"status": "ready", "model_version": version, "slot": SLOT, "pid": pid})


@pytest.fixture
def old_worker() -> int:
    """The process id of a worker that is gone."""
    gone = subprocess.Popen(["true"])
    gone.wait()
    return gone.pid


def test_a_server_is_told_to_reload_and_has_the_new_version(
    spare_model: FakeModel, supervisord: Supervisord, old_worker: int
) -> None:
    spare_model.ready = ready("v1", old_worker)
    supervisord.on_hup = lambda: setattr(spare_model, "ready", ready("v2", os.getpid()))
    assert serve(slot=SLOT, address=spare_model.address, version="v2")
    assert supervisord.calls == [("signalProcess", SLOT, "HUP")]


def test_the_old_worker_must_be_gone(
    spare_model: FakeModel, supervisord: Supervisord, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(model_servers, "READY_LIMIT_S", 0.3)
    spare_model.ready = ready("v1", os.getpid())
    with pytest.raises(
        RollOutError, match=r"^resnet_server1 was not ready with v1 after 0\.3 s; see the files in log/"
    ):
        serve(slot=SLOT, address=spare_model.address, version="v1")


def test_a_refusal_is_told_in_the_servers_words(spare_model: FakeModel, supervisord: Supervisord) -> None:
    def refuse() -> None:
        supervisord.write(event="request")
        supervisord.write(event="model refused", reason="the golden image is answered with NaN")
        supervisord.write(event="reload refused", reason="its worker ended with 4")

    supervisord.write(event="reload refused", reason="long ago")
    supervisord.log.write_bytes(b"\x80 cut and no JSON\n3\n" + supervisord.log.read_bytes())
    spare_model.ready = ready("v1", os.getpid())
    supervisord.on_hup = refuse
    with pytest.raises(
        RollOutError, match=r"^resnet_server1 does not serve it: the golden image is answered with NaN$"
    ):
        serve(slot=SLOT, address=spare_model.address, version="v2")


def test_an_earlier_refusal_is_forgotten(spare_model: FakeModel, supervisord: Supervisord, old_worker: int) -> None:
    supervisord.write(event="reload refused", reason="long ago")
    spare_model.ready = ready("v1", old_worker)
    asked = []

    def ask(method: str, *arguments: object) -> Any:
        asked.append(method)
        if asked.count("getProcessInfo") == 2:  # it has looked at the log, too
            spare_model.ready = ready("v2", os.getpid())
        return Supervisord.__call__(supervisord, method, *arguments)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(model_servers, "supervisor", ask)
        assert serve(slot=SLOT, address=spare_model.address, version="v2")


def test_a_server_that_dies_is_told(supervisord: Supervisord, unused_port: int) -> None:
    supervisord.on_hup = lambda: setattr(supervisord, "state", "FATAL")
    with pytest.raises(RollOutError, match=r"^resnet_server1 does not serve it: it is FATAL; see .*res1_out\.log$"):
        serve(slot=SLOT, address=f"127.0.0.1:{unused_port}", version="v2")


@pytest.mark.parametrize("state", ["EXITED", "FATAL", "BACKOFF", "STARTING"])
def test_a_broken_server_and_one_that_comes_are_started(
    spare_model: FakeModel, supervisord: Supervisord, state: str
) -> None:
    spare_model.ready = Reply(b"", broken=True)
    supervisord.state = state

    def start() -> None:
        supervisord.state = "STARTING"
        spare_model.ready = ready("v2", os.getpid())

    supervisord.on_hup = start
    assert serve(slot=SLOT, address=spare_model.address, version="v2")
    assert supervisord.calls[-1] == ("startProcess", SLOT, False)
    assert (("stopProcess", SLOT) in supervisord.calls) == (state in ("BACKOFF", "STARTING"))


def test_a_server_that_is_ready_while_supervisord_still_waits_is_told_to_reload(
    spare_model: FakeModel, supervisord: Supervisord, old_worker: int
) -> None:
    supervisord.state = "STARTING"
    spare_model.ready = ready("v1", old_worker)
    supervisord.on_hup = lambda: setattr(spare_model, "ready", ready("v2", os.getpid()))
    assert serve(slot=SLOT, address=spare_model.address, version="v2")
    assert supervisord.calls == [("signalProcess", SLOT, "HUP")]


@pytest.mark.parametrize("state", ["STOPPED", "STOPPING", "ABSENT"])
def test_a_stopped_server_is_left_alone(unused_port: int, supervisord: Supervisord, state: str) -> None:
    supervisord.state = state
    assert not serve(slot=SLOT, address=f"127.0.0.1:{unused_port}", version="v2")
    assert supervisord.calls == []


def test_without_supervisord_the_state_is_absent(change: Change) -> None:
    change()
    assert program(SLOT).state == "ABSENT"


@pytest.mark.parametrize(
    "reply",
    [Reply(b"no json"), Reply([]), Reply({"model_version": "v1"}), Reply({}, status=503), Reply(b"", broken=True)],
)
def test_what_is_no_ready_server_serves_nothing(spare_model: FakeModel, reply: Reply) -> None:
    spare_model.ready = reply
    assert serving(spare_model.address) is None


@pytest.fixture
def checker(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, change: Change) -> Callable[[str], None]:
    """Has a shell script stand for the Python that checks."""
    change(model_check_limit_s=20)

    def use(script: str) -> None:
        path = tmp_path / "python"
        path.write_text(f"#!/bin/sh\n{script}\n")
        path.chmod(0o700)
        monkeypatch.setattr(model_servers, "PYTHON", path)

    return use


def test_the_check_is_given_the_canary_set(checker: Callable[[str], None], tmp_path: Path) -> None:
    checker('shift 3; printf \'{"said": "%s"}\' "$*"')
    canary = CanarySet(tmp_path / "set", 0.5)
    assert check_artifact(tmp_path, canary) == {"said": f"--canary-set {tmp_path}/set --min-accuracy 0.5"}
    assert check_artifact(tmp_path, CanarySet(tmp_path / "set")) == {"said": f"--canary-set {tmp_path}/set"}
    assert check_artifact(tmp_path, None) == {"said": ""}


@pytest.mark.parametrize(
    ("script", "reason"),
    [
        ('echo warning; echo \'{"reason": "too dark"}\'; exit 1', r"^too dark$"),
        ("kill -SEGV $$", r" ended the process that loaded it: SIGSEGV$"),
        ("echo trace >&2; echo ImportError: no numpy >&2; exit 3", r"loaded it: exit status 3 ImportError: no numpy$"),
    ],
)
def test_a_check_that_fails_or_dies_is_a_reason(
    checker: Callable[[str], None], tmp_path: Path, script: str, reason: str
) -> None:
    checker(script)
    with pytest.raises(RollOutError, match=reason):
        check_artifact(tmp_path, None)


def test_a_check_that_hangs_is_ended(checker: Callable[[str], None], tmp_path: Path, change: Change) -> None:
    checker("exec sleep 60")
    change(model_check_limit_s=0.2)
    with pytest.raises(RollOutError, match=r"took longer than MODEL_CHECK_LIMIT_S, 0\.2 s\.$"):
        check_artifact(tmp_path, None)
