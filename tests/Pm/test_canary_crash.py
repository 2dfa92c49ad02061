"""Canaries whose command dies in the middle: whatever comes next finishes or undoes them."""

import pytest

from Pm import canary
from Pm.artifacts import SLOTS
from Pm.canary import Canary
from Pm.canary_release import canary_abort, canary_change, canary_promote
from Pm.errors import RollOutError
from Pm.models import RollOut
from tests.Pm.canaries import assert_given_back, start
from tests.Pm.fake_servers import Killed, Make, Servers, deploy, dying_at, pointers, silent

pytestmark = pytest.mark.django_db
State = RollOut.State
PRIMARY, BACKUP = SLOTS


@pytest.mark.parametrize("step", ["check", BACKUP, "share"])
def test_a_start_that_is_killed_is_undone_by_whatever_comes_next(stable: Servers, make: Make, step: str) -> None:
    with pytest.raises(Killed):
        start(make, say=dying_at(step))
    assert RollOut.objects.latest("id").state == State.RUNNING
    deploy(make("v1"))
    assert_given_back(stable)
    with pytest.raises(Killed):
        start(make, "v3", say=dying_at(step))
    assert start(make).state == State.CANARY


def test_a_start_that_is_killed_with_its_share_told_is_undone(
    stable: Servers, make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish = canary.publish

    def publish_and_die(released: Canary) -> None:
        publish(released)
        raise Killed

    monkeypatch.setattr(canary, "publish", publish_and_die)
    with pytest.raises(Killed):
        start(make)
    assert canary.current()
    canary_abort(by="bo", say=silent)
    assert_given_back(stable)


@pytest.mark.parametrize(("step", "version"), [(PRIMARY, "v1"), (BACKUP, "v2"), ("record", "v2")])
def test_a_promotion_that_is_killed_is_finished_or_undone_by_the_next(
    stable: Servers, make: Make, step: str, version: str
) -> None:
    start(make)
    with pytest.raises(Killed):
        canary_promote(by="bo", say=dying_at(step))
    with pytest.raises(RollOutError, match="No canary runs"):
        canary_promote(by="bo", say=silent)
    assert (stable.serves, pointers()) == (dict.fromkeys(SLOTS, version), {version})
    assert canary.current() is None


@pytest.mark.parametrize("step", [PRIMARY, BACKUP, "record"])
def test_aborting_a_promotion_that_was_killed_gives_back_what_was_served(
    stable: Servers, make: Make, step: str
) -> None:
    start(make)
    with pytest.raises(Killed):
        canary_promote(by="bo", say=dying_at(step))
    assert canary_abort(by="bo", say=silent).state == State.UNDONE
    assert_given_back(stable)


def test_an_abort_that_is_killed_is_finished_by_the_next(stable: Servers, make: Make) -> None:
    start(make)
    with pytest.raises(Killed):
        canary_abort(by="bo", say=dying_at(f"undo {BACKUP}"))
    assert canary.current() is None
    canary_abort(by="bo", say=silent)
    assert_given_back(stable)


def test_a_change_that_is_killed_leaves_a_canary_that_can_be_ended(stable: Servers, make: Make) -> None:
    start(make)
    with pytest.raises(Killed):
        canary_change(percent=20, by="bo", say=dying_at("share"))
    assert canary.current()
    canary_abort(by="bo", say=silent)
    assert_given_back(stable)
