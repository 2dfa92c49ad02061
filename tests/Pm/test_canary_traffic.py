"""While a canary runs: who is asked for which photo, what is recorded, and what happens when the canary fails."""

import dataclasses
from typing import Any

import pytest

from Pm import background, canary, canary_server
from Pm.client import ModelClient
from Pm.errors import RollOutError
from Pm.models import Prediction
from Pm.reply import ModelAnswer
from tests.conftest import Change, Post
from tests.fake_model import FakeModel, Reply
from tests.Pm.canaries import BUSY, NAN, NEW, NOT_TAKEN, STABLE, TAKEN, ask

pytestmark = pytest.mark.django_db


def test_the_canary_answers_its_share_and_the_stable_version_the_rest(
    post: Post, model: FakeModel, backup: FakeModel
) -> None:
    answers = [ask(post, str(number)) for number in range(50)]
    taken = [number for number, answer in enumerate(answers) if answer.headers["X-Model-Version"] == "v2"]
    assert taken == [14, 20, 47]
    assert [number for number, answer in enumerate(answers) if answer.json()["result"] == "online"] == taken
    assert (len(model.requests), len(backup.requests)) == (47, 3)
    recorded = Prediction.objects.filter(canary=True).values_list("image_id", "model_version")
    assert set(recorded) == {("14", "v2"), ("20", "v2"), ("47", "v2")}
    assert Prediction.objects.filter(canary=False, model_version=STABLE).count() == 47


def test_the_balancer_is_asked_for_the_stable_version(post: Post, model: FakeModel, backup: FakeModel) -> None:
    ask(post, NOT_TAKEN)
    canary.clear()
    ask(post, NOT_TAKEN)
    assert [headers["X-Model-Upstream"] for _, headers, _ in model.requests] == ["stable", "prod"]
    assert list(Prediction.objects.values_list("canary", flat=True)) == [None, False]


def test_a_share_that_is_changed_or_ended_is_followed_at_once(post: Post, model: FakeModel, backup: FakeModel) -> None:
    canary.publish(dataclasses.replace(NEW, percent=100))
    assert ask(post, NOT_TAKEN).headers["X-Model-Version"] == "v2"
    canary.clear()
    assert ask(post, TAKEN).headers["X-Model-Version"] == STABLE


@pytest.mark.parametrize(
    "reply",
    [Reply(broken=True), NAN, BUSY, Reply(b"nonsense"), Reply(silent=True)],
    ids=["crash", "NaN", "busy", "nonsense", "hangs"],
)
def test_what_the_canary_does_not_answer_the_stable_version_does(
    post: Post, model: FakeModel, backup: FakeModel, change: Change, reply: Reply
) -> None:
    change(model_read_timeout_s=4.0)  # half of it is the canary's
    backup.reply = reply
    answer = ask(post, TAKEN)
    assert (answer.status_code, answer.json()["result"]) == (200, "offline")
    assert answer.headers["X-Model-Version"] == STABLE
    assert len(backup.requests) == 1
    assert Prediction.objects.get().canary is True


def test_both_tries_share_the_time_of_one(
    post: Post, model: FakeModel, backup: FakeModel, change: Change, monkeypatch: pytest.MonkeyPatch
) -> None:
    change(model_read_timeout_s=1.0)
    backup.reply = Reply(silent=True)
    limits_s: list[float] = []
    classify = ModelClient.classify

    def watched(client: ModelClient, *arguments: Any, limit_s: float | None = None, **options: Any) -> ModelAnswer:
        limits_s.append(client.read_timeout_s if limit_s is None else limit_s)
        return classify(client, *arguments, limit_s=limit_s, **options)

    monkeypatch.setattr(ModelClient, "classify", watched)
    ask(post, TAKEN)
    first_s, second_s = limits_s
    assert first_s == 0.5
    assert second_s <= 0.5


def test_a_canary_that_is_gone_costs_no_request(
    post: Post, model: FakeModel, backup: FakeModel, change: Change
) -> None:
    gone = FakeModel()
    gone.stop()
    change(model_servers=(model.address, gone.address))
    assert ask(post, TAKEN).headers["X-Model-Version"] == STABLE


def test_what_is_wrong_with_the_picture_is_the_canarys_to_say(post: Post, model: FakeModel, backup: FakeModel) -> None:
    error = {"code": "invalid_image", "message": "No picture.", "request_id": "x"}
    backup.reply = Reply({"error": error}, 400)
    answer = ask(post, TAKEN)
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "invalid_image")
    assert model.requests == []
    assert Prediction.objects.get().canary is True


def test_a_canary_that_fails_too_often_in_a_row_is_aborted_once(
    post: Post, model: FakeModel, backup: FakeModel, commands: list[tuple[str, ...]]
) -> None:
    backup.reply = NAN
    for number in range(canary_server.LIMIT):
        assert canary.current() == NEW, number
        assert ask(post, TAKEN).status_code == 200
    assert canary.current() is None
    ask(post, TAKEN)
    assert len(backup.requests) == canary_server.LIMIT
    reason = (
        "it failed 5 times in a row, at last with bad_model_reply: The model service gave no answer that can be used."
    )
    assert commands == [("canary", "--abort", "--by=the gateway", f"--reason={reason}")]


@pytest.mark.parametrize("between", ["an answer", "a refusal of a picture"])
def test_failures_that_are_not_in_a_row_abort_nothing(
    post: Post, model: FakeModel, backup: FakeModel, commands: list[tuple[str, ...]], between: str
) -> None:
    good = backup.reply
    bad_picture = Reply({"error": {"code": "invalid_image", "message": "No.", "request_id": "x"}}, 400)
    for number in range(3 * canary_server.LIMIT):
        backup.reply = NAN if number % canary_server.LIMIT else good if between == "an answer" else bad_picture
        ask(post, TAKEN)
    assert canary.current() == NEW
    assert commands == []


def test_a_busy_canary_is_not_aborted(
    post: Post, model: FakeModel, backup: FakeModel, commands: list[tuple[str, ...]]
) -> None:
    backup.reply = BUSY
    for _ in range(2 * canary_server.LIMIT):
        assert ask(post, TAKEN).headers["X-Model-Version"] == STABLE
    assert (canary.current(), commands) == (NEW, [])


def test_who_finds_the_share_given_back_aborts_nothing(
    post: Post, model: FakeModel, backup: FakeModel, commands: list[tuple[str, ...]], monkeypatch: pytest.MonkeyPatch
) -> None:
    backup.reply = NAN
    monkeypatch.setattr(canary, "current", lambda: NEW)
    canary.clear()
    for _ in range(canary_server.LIMIT):
        ask(post, TAKEN)
    assert commands == []


def test_an_abort_that_is_refused_is_told_in_the_log(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def refuse(*_: str) -> None:
        raise RollOutError("Wait until the roll-out that runs is done.")

    monkeypatch.setattr(background, "start", refuse)
    canary_server._abort("it failed")
    assert "Wait until the roll-out that runs is done." in caplog.text
