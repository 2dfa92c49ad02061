"""Which posted photos people are asked for: drawn at random, or uncertain; each once."""

import random

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from Pm.labelling import enrolment
from Pm.labelling.draw import is_drawn
from Pm.labelling.enrolment import photos_enrol
from Pm.labelling.queue import photos_claim
from Pm.models import EnrolledUntil, Photo, Prediction
from tests.conftest import Change, Post
from tests.fake_model import FakeModel
from tests.Pm.labelling.photos import kept_path, posted, user

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def plain_settings(change: Change) -> None:
    change(second_label_percent=0)


def test_uncertain_and_drawn_photos_enter_and_others_do_not() -> None:
    posted("sure", score=0.99)
    posted("unsure", score=0.7, institution="School A")
    posted("drawn", score=0.99, sampled=True)
    photos_enrol()
    found = {row.name: row for row in Photo.objects.all()}
    assert sorted(found) == ["drawn", "unsure"]
    assert (found["unsure"].queue, found["unsure"].rank, found["unsure"].group) == ("uncertain", 0.7, "School A")
    assert (found["drawn"].queue, found["drawn"].rank, found["drawn"].sample) == ("sample", 0, True)
    assert (found["drawn"].result, found["drawn"].score, found["drawn"].model_version) == ("online", 0.99, "v1")


def test_a_photo_enters_once_however_often_it_is_posted() -> None:
    posted("first", b"same", score=0.6)
    posted("again", b"same", score=0.6)
    photos_enrol()
    posted("later", b"same", score=0.6)
    photos_enrol()
    assert Photo.objects.get().name in ("first", "again")


def test_an_uncertain_photo_that_is_drawn_later_joins_the_sample_with_the_answer_of_that_request() -> None:
    posted("unsure", b"same", score=0.6, model_version="v1")
    photos_enrol()
    posted("drawn", b"same", score=0.95, model_version="v2", sampled=True)
    photos_enrol()
    one = Photo.objects.get()
    assert (one.sample, one.queue, one.score, one.model_version) == (True, "sample", 0.95, "v2")
    posted("drawn again", b"same", score=0.97, model_version="v3", sampled=True)
    photos_enrol()
    one.refresh_from_db()
    assert one.model_version == "v2"


def test_photos_without_a_picture_are_left_out() -> None:
    kept_path(posted("gone", score=0.6).content_sha256).unlink()
    photos_enrol()
    assert Photo.objects.count() == 0


def test_a_record_that_appears_late_under_a_lower_id_is_not_missed() -> None:
    posted("first", id=50, score=0.6)
    photos_enrol()
    posted("late", id=49, score=0.6)
    photos_enrol()
    assert sorted(Photo.objects.values_list("name", flat=True)) == ["first", "late"]


def test_what_was_searched_is_not_searched_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(enrolment, "BATCH", 2)
    monkeypatch.setattr(enrolment, "ENROL_S", 0)
    for number in range(5):
        posted(str(number), score=0.6)
    assert [photos_enrol() for _ in range(4)] == [2, 2, 1, 0]
    assert EnrolledUntil.objects.get(reason="uncertain").prediction_id == Prediction.objects.order_by("id").last().pk  # type: ignore[union-attr]


def test_the_least_sure_of_a_long_backlog_is_labelled_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(enrolment, "BATCH", 2)
    monkeypatch.setattr(enrolment, "ENROL_S", 600)
    for number, score in enumerate((0.8, 0.7, 0.85, 0.75, 0.51)):
        posted(str(number), score=score)
    assert photos_enrol() == 5
    assert [row.score for row in photos_claim(user("ann"), "uncertain")] == [0.51, 0.7]


def test_files_are_looked_at_outside_of_a_transaction_and_nothing_is_written_for_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    posted("unsure", score=0.6)
    depth = len(connection.savepoint_ids)
    depths: list[int] = []

    def is_kept(_: Prediction) -> bool:
        depths.append(len(connection.savepoint_ids))
        return True

    monkeypatch.setattr(enrolment, "kept", is_kept)
    photos_enrol()
    with CaptureQueriesContext(connection) as queries:
        photos_enrol()
    assert depths == [depth]
    assert {one["sql"].split()[0] for one in queries} == {"SELECT"}


@pytest.mark.parametrize(
    ("reason", "index"), [("sample", "sampled_predictions"), ("uncertain", "uncertain_predictions")]
)
def test_only_the_partial_indexes_are_searched(reason: str, index: str) -> None:
    rows = Prediction.objects.filter(enrolment.REASONS[reason], id__gt=5).order_by("id")[:10]
    plan = rows.explain()
    assert index in plan or connection.vendor == "postgresql"  # which reads a table of no rows as a whole


def test_a_share_of_the_answered_requests_is_drawn(model: FakeModel, post: Post, change: Change) -> None:
    change(sample_percent=100)
    assert post().status_code == 200
    change(sample_percent=0)
    post()
    change(sample_percent=100, keep_images=False)
    post()
    assert list(Prediction.objects.order_by("id").values_list("sampled", flat=True)) == [True, False, False]


def test_the_draw_is_fair_and_knows_nothing_of_the_answer() -> None:
    random.seed(1)
    drawn = sum(is_drawn(2) for _ in range(100_000))
    assert 1_800 < drawn < 2_200


def test_a_share_of_the_photos_is_wanted_twice(change: Change) -> None:
    change(second_label_percent=100)
    posted("twice", score=0.6)
    photos_enrol()
    assert Photo.objects.get().wanted == 2
