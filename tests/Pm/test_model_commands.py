"""deploy_model, rollback_model and model_status: what they take, what they say."""

import getpass
import time
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from Pm import artifacts, background
from Pm.errors import RollOutError
from Pm.management.commands import model_status
from Pm.models import RollOut
from tests.Pm.fake_servers import DEFAULT_VERSION, Make, Servers

pytestmark = pytest.mark.django_db


def run(*arguments: str) -> str:
    out = StringIO()
    call_command(*arguments, stdout=out)
    return out.getvalue()


def test_deploying_says_each_step_and_its_time(servers: Servers, make: Make) -> None:
    lines = run("deploy_model", str(make("v1"))).splitlines()
    assert lines[0] == "-- check"
    assert lines[1].endswith(" s")
    assert lines[-1] == "v1 is active."
    assert RollOut.objects.get().by == getpass.getuser()


def test_a_reader_that_is_gone_stops_nothing(servers: Servers, make: Make) -> None:
    class Closed(StringIO):
        def write(self, _: str) -> int:
            raise BrokenPipeError

    call_command("deploy_model", str(make("v1")), stdout=Closed())
    assert RollOut.objects.get().state == RollOut.State.DONE


def test_who_and_why_are_recorded(servers: Servers, make: Make) -> None:
    run("deploy_model", str(make("v1")), "--by", "anna", "--reason", "better on dark rooms")
    assert run("rollback_model", "--by", "bo").splitlines()[-1] == f"{DEFAULT_VERSION} is active."
    assert [(row.by, row.reason) for row in RollOut.objects.all()] == [("bo", ""), ("anna", "better on dark rooms")]


def test_a_refusal_is_one_sentence_and_an_error(servers: Servers, tmp_path: Path) -> None:
    with pytest.raises(CommandError, match=r"^.* is no model artifact: .* is refused, nothing was changed\.$"):
        run("deploy_model", str(tmp_path))
    with pytest.raises(CommandError, match=r"^There is nothing to go back to"):
        run("rollback_model")


@pytest.mark.parametrize("value", ["1.1", "-0.1", "nan", "98%", ""])
def test_a_nonsensical_accuracy_is_refused(tmp_path: Path, value: str) -> None:
    with pytest.raises(CommandError, match=r"^--min-accuracy must be a number from 0 to 1, not '.*'\.$"):
        run("deploy_model", "x", f"--min-accuracy={value}", f"--canary-set={tmp_path}")


def test_an_accuracy_needs_pictures() -> None:
    with pytest.raises(CommandError, match=r"^--min-accuracy needs the pictures .*: --canary-set DIR\.$"):
        run("deploy_model", "x", "--min-accuracy=0.9")


def test_the_status_tells_servers_versions_and_how_roll_outs_ended(
    servers: Servers, make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(model_status, "serving", servers.serving)
    run("deploy_model", str(make("v1")), "--by", "anna", "--reason", "better")
    servers.check_refuses = "too dark"
    with pytest.raises(CommandError):
        run("deploy_model", str(make("v2")))
    servers.stopped = {artifacts.SLOTS[1]}
    lines = [" ".join(line.split()) for line in run("model_status").splitlines()]
    assert lines[0] == "Servers"
    assert lines[1] == "resnet_server1 primary:1 ABSENT serves v1; next start: v1"
    assert lines[2] == "resnet_server2 backup:2 ABSENT does not answer; next start: v1"
    assert lines[4].startswith("v1 0 answers; activated 20")
    assert lines[4].endswith(" UTC by anna (better)")
    assert lines[5] == f"{DEFAULT_VERSION} 0 answers; never rolled out"
    assert "v2: refused, nothing was changed; 20" in lines[7]
    assert lines[7].endswith("; too dark")
    assert lines[8].startswith("v1: done; 20")


def test_a_roll_out_in_the_background_tells_what_refuses_it_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(background, "REFUSAL_WAIT_S", 120.0)  # a busy machine starts Django slowly
    with pytest.raises(RollOutError, match=r"Type 'manage.py help' for usage"):
        background.start("no_such_command")


def test_a_roll_out_in_the_background_goes_on_alone(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "manage.py").write_text("import pathlib, time; time.sleep(0.5); pathlib.Path('done').touch()")
    monkeypatch.setattr(background, "ROOT", tmp_path)
    monkeypatch.setattr(background, "REFUSAL_WAIT_S", 0.0)
    background.start("deploy_model")
    for _ in range(200):
        if (tmp_path / "done").exists():
            break
        time.sleep(0.05)
    assert (tmp_path / "done").exists()
