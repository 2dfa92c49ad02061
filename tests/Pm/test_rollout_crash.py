"""Roll-outs that end in the middle: the next run finishes or undoes them, and both servers serve one version."""

from typing import Any

import pytest
from django.db import DatabaseError

from Pm.artifacts import SLOTS
from Pm.errors import RollOutError
from Pm.models import RollOut
from Pm.rollout import roll_back
from tests.Pm.fake_servers import DEFAULT_VERSION, Killed, Make, Servers, deploy, dying_at, pointers, silent

pytestmark = pytest.mark.django_db
State = RollOut.State


@pytest.mark.parametrize(
    ("step", "outcome"),
    [
        ("check", State.REFUSED),
        (SLOTS[0], State.UNDONE),
        (SLOTS[1], State.UNDONE),
        ("record", State.DONE),
    ],
)
def test_after_a_crash_the_next_run_finishes_or_undoes(servers: Servers, make: Make, step: str, outcome: State) -> None:
    deploy(make("v1"))
    with pytest.raises(Killed):
        deploy(make("v2"), dying_at(step))
    crashed = RollOut.objects.latest("id")
    assert crashed.state == State.RUNNING
    said: list[str] = []
    assert deploy(make("v3"), said.append).state == State.DONE
    assert said[0] == f"The roll-out of {crashed.version or crashed.artifact} by ops was interrupted at {step}."
    crashed.refresh_from_db()
    assert crashed.state == outcome
    assert (servers.serves, pointers()) == (dict.fromkeys(SLOTS, "v3"), {"v3"})
    assert not RollOut.objects.filter(state=State.RUNNING).exists()


@pytest.mark.parametrize("step", ["check", *SLOTS, "record"])
def test_rolling_back_after_a_crash_gives_back_what_was_served(servers: Servers, make: Make, step: str) -> None:
    deploy(make("v1"))
    with pytest.raises(Killed):
        deploy(make("v2"), dying_at(step))
    row = roll_back(by="ops", say=silent)
    assert row.state == (State.REFUSED if step == "check" else State.UNDONE)
    assert (servers.serves, pointers()) == (dict.fromkeys(SLOTS, "v1"), {"v1"})


@pytest.mark.parametrize("slot", SLOTS)
def test_a_crash_while_undoing_is_undone_by_the_next_run(servers: Servers, make: Make, slot: str) -> None:
    servers.refused.add((SLOTS[1], "v1"))
    with pytest.raises(Killed):
        deploy(make("v1"), dying_at(f"undo {slot}"))
    with pytest.raises(RollOutError, match="nothing to go back to"):
        roll_back_twice()
    assert [row.state for row in RollOut.objects.all()] == [State.UNDONE]
    assert (servers.serves, pointers()) == (dict.fromkeys(SLOTS, DEFAULT_VERSION), {""})


def test_what_was_being_undone_is_not_finished_by_the_next_run(servers: Servers, make: Make) -> None:
    servers.refused.add((SLOTS[1], "v1"))
    with pytest.raises(Killed):
        deploy(make("v1"), dying_at(f"undo {SLOTS[0]}"))
    servers.refused.clear()
    deploy(make("v2"))
    assert [row.state for row in RollOut.objects.all()] == [State.DONE, State.UNDONE]


def roll_back_twice() -> None:
    """The first undoes what was interrupted, the second finds nothing."""
    roll_back(by="ops", say=silent)
    roll_back(by="ops", say=silent)


def test_what_cannot_be_finished_after_a_crash_is_undone_and_the_next_goes_on(servers: Servers, make: Make) -> None:
    with pytest.raises(Killed):
        deploy(make("v1"), dying_at("record"))
    servers.refused.add((SLOTS[1], "v1"))
    assert str(deploy(make("v2")).version) == "v2"
    assert [row.state for row in RollOut.objects.all()] == [State.DONE, State.UNDONE]


def test_ctrl_c_undoes(servers: Servers, make: Make) -> None:
    def interrupt(text: str) -> None:
        if text == f"-- {SLOTS[1]}":
            raise KeyboardInterrupt

    with pytest.raises(RollOutError, match=r"^KeyboardInterrupt\(\)\. The roll-out is undone"):
        deploy(make("v1"), interrupt)
    assert (servers.serves, pointers()) == (dict.fromkeys(SLOTS, DEFAULT_VERSION), {""})


def test_a_database_that_fails_at_the_end_undoes(servers: Servers, make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    save = RollOut.save

    def fail_at_the_end(self: RollOut, **options: Any) -> None:
        if self.state == State.DONE:
            raise DatabaseError("disk full")
        save(self, **options)

    monkeypatch.setattr(RollOut, "save", fail_at_the_end)
    with pytest.raises(RollOutError, match=r"^DatabaseError\('disk full'\)\. The roll-out is undone"):
        deploy(make("v1"))
    assert (servers.serves, pointers()) == (dict.fromkeys(SLOTS, DEFAULT_VERSION), {""})
    assert RollOut.objects.get().state == State.UNDONE


def test_pointers_that_were_changed_are_given_back_whatever_the_record_says(servers: Servers, make: Make) -> None:
    with pytest.raises(Killed):
        deploy(make("v1"), dying_at(SLOTS[1]))
    RollOut.objects.update(step="check", version=None)
    assert roll_back(by="ops", say=silent).state == State.UNDONE
    assert (servers.serves, pointers()) == (dict.fromkeys(SLOTS, DEFAULT_VERSION), {""})
