"""Canaries as roll-outs: started on the backup, changed, promoted, aborted, refused, and interrupted anywhere."""

import os

import pytest

from Pm import artifacts, canary
from Pm.artifacts import SLOTS
from Pm.canary import Canary
from Pm.canary_release import canary_abort, canary_change, canary_promote, canary_start
from Pm.errors import RollOutError
from Pm.models import RollOut
from Pm.rollout import roll_back
from tests.Pm.canaries import NEW, assert_given_back, start
from tests.Pm.fake_servers import DEFAULT_VERSION, Make, Servers, deploy, pointers, silent

pytestmark = pytest.mark.django_db
State = RollOut.State
PRIMARY, BACKUP = SLOTS


def test_a_canary_is_checked_served_by_the_backup_and_given_its_share(stable: Servers, make: Make) -> None:
    said: list[str] = []
    row = start(make, say=said.append)
    assert stable.serves == {PRIMARY: "v1", BACKUP: "v2"}
    assert stable.loads == [(BACKUP, "v2")]
    assert canary.current() == Canary(row.pk, "v2", 5.0, shadow=False)
    assert [text for text in said if text.startswith("--")] == ["-- check", "-- resnet_server2", "-- share"]
    row.refresh_from_db()
    assert (row.state, row.by, row.reason, row.percent, row.shadow) == (State.CANARY, "anna", "dark rooms", 5, False)
    assert row.share_from
    assert row.share_until is None
    assert row.told_state == "canary, answers 5 % of the requests"


def test_a_shadow_is_told_as_such(stable: Servers, make: Make) -> None:
    row = start(make, shadow=True, percent=20.0)
    assert canary.current() == Canary(row.pk, "v2", 20.0, shadow=True)
    assert str(row) == "v2: shadow, sees copies 20 % of the requests"


def test_a_share_is_changed(stable: Servers, make: Make) -> None:
    row = start(make)
    stable.loads.clear()
    canary_change(percent=12.5, by="bo", say=silent)
    assert canary.current() == Canary(row.pk, "v2", 12.5, shadow=False)
    row.refresh_from_db()
    assert (row.percent, row.state, stable.loads) == (12.5, State.CANARY, [])


def test_a_promoted_canary_is_served_by_both(stable: Servers, make: Make) -> None:
    row = start(make)
    promoted = canary_promote(by="bo", reason="better", say=silent)
    assert promoted == row
    assert (stable.serves, pointers()) == (dict.fromkeys(SLOTS, "v2"), {"v2"})
    assert canary.current() is None
    promoted.refresh_from_db()
    assert (promoted.state, promoted.reason) == (State.DONE, "dark rooms; promoted by bo: better")
    assert promoted.share_until
    assert str(roll_back(by="ops", say=silent).version) == "v1"
    assert_given_back(stable)


def test_an_aborted_canary_gives_the_backup_back_and_leaves_the_primary_alone(stable: Servers, make: Make) -> None:
    start(make)
    stable.loads.clear()
    row = canary_abort(by="bo", reason="worse on webcams", say=silent)
    assert stable.loads == [(BACKUP, "v1")]
    row.refresh_from_db()
    assert (row.state, row.error) == (State.UNDONE, "bo aborted it: worse on webcams")
    assert row.share_until
    assert_given_back(stable)


def test_the_share_goes_back_before_the_backup_does(stable: Servers, make: Make) -> None:
    start(make)
    seen: list[Canary | None] = []
    canary_abort(by="bo", say=lambda _: seen.append(canary.current()))
    assert set(seen) == {None}


@pytest.mark.parametrize("do", [canary_abort, canary_promote])
def test_without_a_canary_there_is_nothing_to_end(servers: Servers, do: type) -> None:
    with pytest.raises(RollOutError, match=r"^No canary runs: start one first\.$"):
        do(by="bo", say=silent)
    with pytest.raises(RollOutError, match=r"^No canary runs"):
        canary_change(percent=5, by="bo", say=silent)


def test_beside_a_canary_nothing_else_is_rolled_out(stable: Servers, make: Make) -> None:
    start(make)
    sentence = r"^v2: canary, answers 5 % of the requests, by anna: promote or abort it first\.$"
    with pytest.raises(RollOutError, match=sentence):
        deploy(make("v3"))
    with pytest.raises(RollOutError, match=sentence):
        roll_back(by="ops", say=silent)
    with pytest.raises(RollOutError, match=sentence):
        start(make, "v3")
    assert stable.serves == {PRIMARY: "v1", BACKUP: "v2"}
    assert canary.current()


def test_a_canary_waits_for_no_roll_out(stable: Servers, make: Make) -> None:
    with (
        artifacts.alone("bo rolls out v3"),
        pytest.raises(RollOutError, match=rf"^Wait until .*: bo rolls out v3, process {os.getpid()}\.$"),
    ):
        start(make)


@pytest.mark.parametrize("slot", SLOTS)
def test_a_canary_needs_both_servers(stable: Servers, make: Make, slot: str) -> None:
    stable.stopped = {slot}
    with pytest.raises(
        RollOutError, match=rf"^{slot} does not serve, and a canary needs both .*Nothing was changed\.$"
    ):
        start(make)
    stable.stopped = set()
    assert_given_back(stable)


def test_the_version_that_is_served_is_no_canary(stable: Servers, make: Make) -> None:
    with pytest.raises(RollOutError, match=r"^v1 is what is served already: .* refused, nothing was changed\.$"):
        start(make, "v1")
    assert stable.loads == []
    assert_given_back(stable)


def test_an_artifact_that_fails_its_check_never_reaches_the_backup(stable: Servers, make: Make) -> None:
    stable.check_refuses = "{folder}/model.onnx is damaged"
    with pytest.raises(RollOutError, match=r"is damaged\. The roll-out is refused, nothing was changed\.$"):
        start(make)
    assert stable.loads == []
    assert_given_back(stable)


def test_a_version_that_the_backup_refuses_is_undone(stable: Servers, make: Make) -> None:
    stable.refused.add((BACKUP, "v2"))
    with pytest.raises(RollOutError, match=r"out of memory\. The roll-out is undone"):
        start(make)
    assert stable.loads == [(BACKUP, "v2"), (BACKUP, "v1")]
    assert_given_back(stable)


def test_a_version_that_the_primary_refuses_ends_the_canary(stable: Servers, make: Make) -> None:
    start(make)
    stable.refused.add((PRIMARY, "v2"))
    with pytest.raises(RollOutError, match=r"resnet_server1 does not serve it: out of memory\. The roll-out is undone"):
        canary_promote(by="bo", say=silent)
    assert_given_back(stable)


def test_a_backup_that_does_not_come_back_is_told(stable: Servers, make: Make) -> None:
    start(make)
    stable.refused.add((BACKUP, "v1"))
    with pytest.raises(
        RollOutError, match=r"^bo aborted it. resnet_server2 could not be given back .* not be undone\.$"
    ):
        canary_abort(by="bo", say=silent)
    assert RollOut.objects.latest("id").state == State.FAILED
    assert canary.current() is None


def test_a_share_that_cannot_be_told_is_undone(stable: Servers, make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_: Canary) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(canary, "publish", full)
    with pytest.raises(RollOutError, match=r"No space left on device.*The roll-out is undone"):
        start(make)
    assert_given_back(stable)


def test_a_stopped_pm_keeps_its_canary_and_can_end_it(stable: Servers, make: Make) -> None:
    start(make)
    stable.stopped = set(SLOTS)
    said: list[str] = []
    canary_abort(by="bo", say=said.append)
    assert "   resnet_server2 does not run: its next start serves v1" in said
    assert pointers() == {"v1"}


def test_the_default_model_can_be_a_canary(stable: Servers, make: Make) -> None:
    canary_start(artifact=artifacts.DEFAULT, percent=5, shadow=False, by="anna", say=silent)
    assert stable.serves == {PRIMARY: "v1", BACKUP: DEFAULT_VERSION}
    canary_promote(by="anna", say=silent)
    assert stable.serves == dict.fromkeys(SLOTS, DEFAULT_VERSION)


def test_a_canary_that_lost_its_share_is_undone_by_the_next_command(stable: Servers, make: Make) -> None:
    row = start(make)
    canary.clear()  # what five failures do, when the command that aborts it cannot run
    with pytest.raises(RollOutError, match="No canary runs"):
        canary_change(percent=20, by="anna", say=silent)
    row.refresh_from_db()
    assert row.state == RollOut.State.UNDONE
    assert_given_back(stable)


def test_a_share_without_a_record_ends_with_an_abort(stable: Servers) -> None:
    canary.publish(NEW)
    with pytest.raises(RollOutError, match="No canary runs"):
        canary_abort(by="anna", say=silent)
    assert canary.current() is None
