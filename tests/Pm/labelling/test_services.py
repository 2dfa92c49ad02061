"""What people say: kept, counted, taken back, never silently lost."""

import pytest

from Pm.labelling.queue import photos_claim
from Pm.labelling.services import label_give, label_undo, photo_ensure
from Pm.models import Label, Photo
from tests.conftest import Change
from tests.Pm.labelling.photos import photo, posted, user

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def plain_settings(change: Change) -> None: ...


def say(one: Photo, *said: tuple[str, str]) -> Photo:
    for name, answer in said:
        label_give(photo_id=one.pk, by=user(name), answer=answer)
    one.refresh_from_db()
    return one


def test_one_label_settles_a_photo() -> None:
    one = say(photo("one"), ("ann", "offline"))
    assert (one.label, one.answers, one.waiting, one.conflict) == ("offline", 1, False, False)
    assert one.disagrees


def test_two_who_disagree_are_a_conflict_that_a_third_decides() -> None:
    one = say(photo("one", wanted=2), ("ann", "offline"), ("ben", "online"))
    assert (one.conflict, one.waiting, one.label) == (True, False, "online")
    one = say(one, ("eve", "offline"))
    assert (one.conflict, one.label, one.answers) == (False, "offline", 3)


def test_one_skip_leaves_the_photo_to_others_and_two_end_it() -> None:
    one = say(photo("one"), ("ann", "skip"))
    assert (one.label, one.waiting) == ("", True)
    one = say(one, ("ben", "skip"))
    assert (one.label, one.waiting) == ("", False)


def test_a_form_that_is_sent_twice_counts_once() -> None:
    one = say(photo("one"), ("ann", "online"), ("ann", "online"))
    assert (Label.objects.count(), one.answers) == (1, 1)


def test_who_says_otherwise_later_replaces_the_label_and_the_history_stays() -> None:
    one = say(photo("one"), ("ann", "online"), ("ann", "offline"))
    assert (one.label, one.answers) == ("offline", 1)
    history = list(Label.objects.order_by("id").values_list("answer", "undone_at"))
    assert [answer for answer, _ in history] == ["online", "offline"]
    assert [undone is None for _, undone in history] == [False, True]


def test_undo_gives_the_photo_back_before_all_others_again_and_again() -> None:
    for number in range(4):
        photo(str(number))
    ann = user("ann")
    for _ in range(2):
        label_give(photo_id=photos_claim(ann, "uncertain")[0].pk, by=ann, answer="online")
    for back in ("1", "0"):
        taken_back = label_undo(by=ann)
        assert taken_back
        assert taken_back.name == photos_claim(ann, "uncertain")[0].name == back
    assert Photo.objects.exclude(label="").count() == 0
    assert label_undo(by=ann) is None


def test_undo_takes_no_photo_from_who_looks_at_it_now() -> None:
    twice = photo("twice", wanted=2)
    ann, ben = user("ann"), user("ben")
    label_give(photo_id=twice.pk, by=ann, answer="online")
    photos_claim(ben, "uncertain")
    label_undo(by=ann)
    assert photos_claim(ann, "uncertain") == []
    assert [each.pk for each in photos_claim(ben, "uncertain")] == [twice.pk]


def test_undo_takes_back_what_one_said_oneself() -> None:
    say(photo("one"), ("ann", "online"))
    assert label_undo(by=user("ben")) is None
    assert Label.objects.filter(undone_at=None).count() == 1


def test_no_other_answer_is_taken() -> None:
    with pytest.raises(ValueError, match="'maybe' is no answer"):
        label_give(photo_id=photo("one").pk, by=user("ann"), answer="maybe")


def test_any_posted_photo_can_be_labelled_once_and_for_all_its_requests() -> None:
    first, again = posted("a", b"the same"), posted("b", b"the same")
    assert photo_ensure(first) == photo_ensure(again)
