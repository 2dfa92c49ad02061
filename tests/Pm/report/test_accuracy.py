"""Accuracy is measured on the random sample alone, and what is left out is counted."""

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from Pm.labelling.services import label_give
from Pm.models import Label, Photo
from Pm.report.accuracy import accuracy
from tests.conftest import Change
from tests.Pm.report.records import post_photos

pytestmark = pytest.mark.django_db


@pytest.fixture
def anna(change: Change, django_user_model: type[User]) -> User:
    return django_user_model.objects.create_user("anna")


def photo(number: int, anna: User, label: str, result: str, *, blind: bool = True, **facts: Any) -> Photo:
    facts = {"sample": True, "model_version": "v1", "waiting": False} | facts
    made = Photo.objects.create(
        content_sha256=f"{number:064}", format="PNG", source="posted", label=label, result=result, score=0.9, **facts
    )
    if label:
        Label.objects.create(photo=made, by=anna, answer=label, blind=blind)
        if blind and not made.conflict:
            Photo.objects.filter(pk=made.pk).update(blind_label=label)
    return made


@pytest.fixture
def labelled(anna: User) -> None:
    photo(1, anna, "online", "online")
    photo(2, anna, "online", "offline")
    photo(3, anna, "offline", "offline")
    photo(4, anna, "online", "online", model_version="v2")
    photo(5, anna, "offline", "offline", sample=False)  # chosen because the model was unsure
    photo(6, anna, "offline", "online", conflict=True)
    photo(7, anna, "", "online", conflict=True)
    photo(8, anna, "", "online")  # nobody could tell
    photo(9, anna, "", "online", waiting=True)
    photo(10, anna, "online", "online", blind=False)
    photo(11, anna, "offline", "offline", waiting=True)  # a second labeller is wanted, one has spoken
    undone = photo(12, anna, "", "online", waiting=True)
    Label.objects.create(photo=undone, by=anna, answer="online", undone_at=undone.created_at)


def test_what_the_models_answer_may_have_swayed_counts_for_nothing(anna: User, django_user_model: type[User]) -> None:
    bob, eve = (django_user_model.objects.create_user(name) for name in ("bob", "eve"))
    facts = {"sample": True, "model_version": "v1", "result": "online", "score": 0.9, "format": "PNG", "wanted": 3}
    made = [Photo.objects.create(content_sha256=f"{number:064}", **facts) for number in range(4)]
    for answer, by, blind in (("skip", anna, True), ("online", bob, False)):
        label_give(photo_id=made[0].pk, by=by, answer=answer, blind=blind)
    for answer, by, blind in (("offline", anna, True), ("online", bob, False), ("online", eve, False)):
        label_give(photo_id=made[1].pk, by=by, answer=answer, blind=blind)
    label_give(photo_id=made[2].pk, by=None, answer="online", blind=False)  # the folder it was imported from
    label_give(photo_id=made[3].pk, by=anna, answer="offline")
    label_give(photo_id=made[3].pk, by=anna, answer="online", blind=False)  # corrected on the photo's page
    total = accuracy().total
    assert (total.all.right, total.all.photos) == (0, 2)
    made[3].refresh_from_db()
    assert (made[3].label, made[3].blind_label) == ("online", "offline")


def test_each_version_and_each_class_has_its_score(labelled: None) -> None:
    found = accuracy()
    v1, v2 = found.versions
    assert (v1.version, v1.all.right, v1.all.photos) == ("v1", 3, 4)
    assert (v1.offline.right, v1.offline.photos, v1.online.right, v1.online.photos) == (2, 2, 1, 2)
    assert (v2.version, v2.all.right, v2.all.photos, v2.offline.share) == ("v2", 1, 1, None)
    assert (found.total.all.right, found.total.all.photos) == (4, 5)


def test_what_says_nothing_is_left_out_and_counted(labelled: None) -> None:
    found = accuracy()
    assert (found.waiting, found.conflict, found.skipped, found.told) == (2, 2, 1, 1)
    assert found.sampled == 11


def test_the_page_tells_the_accuracy_and_that_there_are_few_photos(admin_client: Client, labelled: None) -> None:
    post_photos("2026-11-01", 1, 1)
    page = " ".join(admin_client.get("/admin/report/").content.decode().split())
    assert "5 of 11 sampled photos are labelled. 2 wait for a label." in page
    assert "Left out: 2 with labels in conflict, 1 that nobody could tell, 1 labelled with the model's answer" in page
    assert '80.0 % <span class="report-small">(4/5, 37.6–96.4 %)</span> <span class="report-few">too few photos' in page


def test_without_a_sample_the_page_says_how_to_get_one(admin_client: Client, change: Change) -> None:
    post_photos("2026-11-01", 1, 1)
    assert "There is no sample yet" in admin_client.get("/admin/report/").content.decode()
