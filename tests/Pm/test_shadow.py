"""A shadow sees copies beside the traffic: answers stay what they are, comparisons are recorded, nobody waits."""

import threading
from collections.abc import Iterator
from dataclasses import replace

import pytest

from Pm import canary, shadow
from Pm.canary import Canary
from Pm.models import Comparison, Prediction, RollOut
from Pm.reply import ModelAnswer
from tests.conftest import Post
from tests.fake_model import ANSWER, FakeModel, Reply
from tests.Pm.canaries import BUSY, NAN, STABLE, TAKEN, ask

pytestmark = pytest.mark.django_db
ANSWERED = ModelAnswer("offline", 0.9, STABLE, "PNG", 1, 1, {})
SHA256_OF_IMAGE = "6105d6cc76af400325e94d588ce511be5bfdbb73b437dc51eca43917d7a43e3d"


@pytest.fixture
def released(backup: FakeModel) -> Canary:
    row = RollOut.objects.create(artifact="a", before={}, by="anna", process=1, percent=5, shadow=True)
    released = Canary(row.pk, "v2", percent=5, shadow=True)
    canary.publish(released)
    return released


@pytest.fixture
def offered(monkeypatch: pytest.MonkeyPatch) -> list[shadow.Copy]:
    copies: list[shadow.Copy] = []
    monkeypatch.setattr(shadow, "offer", copies.append)
    return copies


def copy_of(released: Canary) -> shadow.Copy:
    return shadow.Copy(released, TAKEN, "r1", b"image", ANSWERED, 12.5)


def test_the_stable_version_answers_all_and_copies_of_the_share_are_offered(
    post: Post,
    model: FakeModel,
    backup: FakeModel,
    released: Canary,
    offered: list[shadow.Copy],
) -> None:
    versions = {ask(post, str(number)).headers["X-Model-Version"] for number in range(50)}
    assert versions == {STABLE}
    assert backup.requests == []
    assert [copy.image_id for copy in offered] == ["14", "20", "47"]
    assert (offered[0].released, offered[0].stable.result) == (released, "offline")
    assert offered[0].stable_ms > 0
    assert set(Prediction.objects.filter(canary=True).values_list("image_id", flat=True)) == {"14", "20", "47"}


def test_what_the_new_version_answered_in_the_stable_ones_place_is_not_compared_with_itself(
    post: Post, model: FakeModel, released: Canary, offered: list[shadow.Copy]
) -> None:
    model.reply = Reply(ANSWER | {"model_version": "v2"})
    assert ask(post, TAKEN).status_code == 200
    assert offered == []


@pytest.mark.parametrize(("label", "agrees"), [("offline", True), ("online", False)])
def test_both_answers_are_recorded(backup: FakeModel, released: Canary, label: str, agrees: bool) -> None:
    backup.reply = Reply(ANSWER | {"label": label, "result": int(label == "online"), "score": 0.75})
    shadow.compare(copy_of(released))
    row = Comparison.objects.get()
    assert (row.roll_out_id, row.image_id, row.request_id) == (released.roll_out, TAKEN, "r1")
    assert row.content_sha256 == SHA256_OF_IMAGE
    assert (row.stable_result, row.stable_score, row.stable_ms) == ("offline", 0.9, 12.5)
    assert (row.shadow_result, row.shadow_score, row.agrees, row.error_code) == (label, 0.75, agrees, "")
    assert row.shadow_ms > 0


def test_a_shadow_that_fails_is_recorded(backup: FakeModel, released: Canary) -> None:
    backup.reply = NAN
    shadow.compare(copy_of(released))
    row = Comparison.objects.get()
    assert (row.shadow_result, row.shadow_score, row.agrees, row.error_code) == ("", None, None, "bad_model_reply")


def test_a_busy_shadow_is_spared_the_copy(backup: FakeModel, released: Canary) -> None:
    backup.reply = BUSY
    shadow.compare(copy_of(released))
    assert not Comparison.objects.exists()


@pytest.fixture
def held(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[list[shadow.Copy], threading.Event]]:
    """The thread that compares stands at its first copy until the event; what it compared is listed."""
    seen: list[shadow.Copy] = []
    go_on = threading.Event()

    def compare(copy: shadow.Copy) -> None:
        go_on.wait(30)
        seen.append(copy)
        if copy.image_id == "bug":
            raise RuntimeError("a bug of ours")

    monkeypatch.setattr(shadow, "compare", compare)
    yield seen, go_on
    go_on.set()


def wait_for(seen: list[shadow.Copy], count: int) -> None:
    done = threading.Event()
    for _ in range(3000):
        if len(seen) == count:
            return
        done.wait(0.01)
    raise AssertionError(f"{len(seen)} of {count}")


def test_copies_beyond_the_few_that_wait_are_dropped_at_once(
    held: tuple[list[shadow.Copy], threading.Event],
) -> None:
    seen, go_on = held
    copy = copy_of(Canary(1, "v2", 5, shadow=True))
    shadow.offer(copy)
    for _ in range(3000):
        if shadow._copies.empty():
            break
        threading.Event().wait(0.01)
    for number in range(20):
        shadow.offer(replace(copy, image_id=str(number)))
    go_on.set()
    wait_for(seen, 1 + shadow.MAX_WAITING)
    assert [each.image_id for each in seen] == [TAKEN, "0", "1", "2", "3"]
    shadow.offer(replace(copy, image_id="later"))
    wait_for(seen, 2 + shadow.MAX_WAITING)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_thread_that_ended_is_followed_by_another(held: tuple[list[shadow.Copy], threading.Event]) -> None:
    seen, go_on = held
    go_on.set()
    copy = copy_of(Canary(1, "v2", 5, shadow=True))
    shadow.offer(replace(copy, image_id="bug"))
    assert shadow._thread
    shadow._thread.join(30)
    shadow.offer(copy)
    wait_for(seen, 2)
