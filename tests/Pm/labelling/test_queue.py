"""Who gets which photo: the most uncertain first, the sample apart, no photo twice."""

import os
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest
from django.db import connection
from django.utils import timezone

from Pm.labelling import queue
from Pm.labelling.queue import leases_renew, photos_claim
from Pm.labelling.services import label_give
from Pm.models import Photo
from tests.conftest import Change
from tests.Pm.labelling.photos import photo, user
from tests.Pm.labelling.race import race

pytestmark = pytest.mark.django_db
ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture(autouse=True)
def plain_settings(change: Change) -> None: ...


def names(photos: list[Photo]) -> list[str]:
    return [each.name for each in photos]


def test_the_most_uncertain_photo_comes_first() -> None:
    photo("sure", score=0.89)
    photo("unsure", score=0.51)
    photo("less sure", score=0.7)
    assert names(photos_claim(user("ann"), "uncertain")) == ["unsure", "less sure"]


def test_the_sample_and_imports_have_queues_of_their_own() -> None:
    photo("drawn", sample=True, score=0.51)
    photo("uncertain", score=0.6)
    photo("imported", source="imported", score=None)
    ann = user("ann")
    assert {name: names(photos_claim(ann, name)) for name in Photo.Queue.values} == {
        "sample": ["drawn"],
        "uncertain": ["uncertain"],
        "imported": ["imported"],
    }


def test_the_sample_is_labelled_in_the_order_in_which_it_was_drawn() -> None:
    photo("first", sample=True, score=0.99)
    photo("second", sample=True, score=0.5)
    assert names(photos_claim(user("ann"), "sample")) == ["first", "second"]


def test_two_labellers_never_get_the_same_photo() -> None:
    for number in range(4):
        photo(str(number))
    assert names(photos_claim(user("ann"), "uncertain")) == ["0", "1"]
    assert names(photos_claim(user("ben"), "uncertain")) == ["2", "3"]


def test_a_labeller_keeps_the_photos_that_are_on_the_screen() -> None:
    for number in range(4):
        photo(str(number))
    ann = user("ann")
    assert names(photos_claim(ann, "uncertain")) == names(photos_claim(ann, "uncertain")) == ["0", "1"]


def test_a_lease_ends_after_five_minutes_unless_it_is_renewed(monkeypatch: pytest.MonkeyPatch) -> None:
    photo("only")
    ann, ben, now = user("ann"), user("ben"), timezone.now()
    photos_claim(ann, "uncertain")
    monkeypatch.setattr(timezone, "now", lambda: now + timedelta(minutes=4))
    assert leases_renew(ann) == 1
    monkeypatch.setattr(timezone, "now", lambda: now + timedelta(minutes=8))
    assert photos_claim(ben, "uncertain") == []
    monkeypatch.setattr(timezone, "now", lambda: now + timedelta(minutes=10))
    assert names(photos_claim(ben, "uncertain")) == ["only"]
    assert leases_renew(ann) == 0


def test_a_photo_for_two_labellers_is_not_shown_to_the_same_one_again() -> None:
    twice = photo("twice", wanted=2)
    ann, ben = user("ann"), user("ben")
    label_give(photo_id=twice.pk, by=ann, answer="online")
    assert photos_claim(ann, "uncertain") == []
    assert names(photos_claim(ben, "uncertain")) == ["twice"]


def test_the_queue_is_read_from_its_index() -> None:
    ann = user("ann")
    free = queue._to_label(ann, "uncertain").order_by("rank", "id")[:2]
    plan = free.explain()
    if connection.vendor == "sqlite":
        assert "USING INDEX label_queue" in plan
        assert "TEMP B-TREE" not in plan


@pytest.mark.django_db(transaction=True)
@pytest.mark.skipif(connection.vendor == "sqlite", reason="a database in memory has one connection: see the next test")
def test_many_labellers_at_once_never_share_a_photo() -> None:
    for number in range(60):
        photo(str(number))
    given = race([user(f"user{number}") for number in range(6)], 10)
    assert len(given) == len(set(given)) == 60


def test_many_labellers_at_once_never_share_a_photo_of_a_file(tmp_path: Path) -> None:
    env = os.environ | {
        "DATABASE_URL": f"sqlite:///{tmp_path}/db.sqlite3",
        "DJANGO_SETTINGS_MODULE": "server.settings",
        "PM_ENV_FILE": os.devnull,
    }
    command = [sys.executable, "-m", "tests.Pm.labelling.race"]
    done = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, check=False)
    assert done.stdout == "60 60\n", done.stderr
