"""The labelling pages: what they show, what they never show, whom they let in."""

import json
import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import DatabaseError
from django.test import Client
from django.utils import timezone

from Pm.labelling import selectors, services
from Pm.labelling.services import label_give
from Pm.models import Label, Photo
from tests.conftest import Change
from tests.Pm.labelling.photos import keep, kept_path, member, photo, picture, posted, user

pytestmark = pytest.mark.django_db
JSON = {"Accept": "application/json"}


@pytest.fixture(autouse=True)
def plain_settings(change: Change) -> None:
    change(second_label_percent=0)


@pytest.fixture
def labeller() -> Client:
    return member("label_photo")


def say(client: Client, one: Photo, answer: str) -> Any:
    client.get("/admin/labelling/queue/", {"queue": one.queue})  # which reserves it
    form = {"photo": one.pk, "answer": answer, "queue": one.queue}
    return client.post("/admin/labelling/answer/", form, headers=JSON).json()


def test_what_was_posted_since_is_in_the_queue(labeller: Client) -> None:
    posted("unsure", score=0.6)
    page = labeller.get("/admin/labelling/queue/").content.decode()
    assert f"/admin/photos/{Photo.objects.get().content_sha256}/" in page


def test_the_page_never_shows_what_the_model_said(labeller: Client) -> None:
    photo("北京", sample=True, score=0.61803, model_version="secret-version", result="online")
    page = labeller.get("/admin/labelling/queue/?queue=sample").content.decode()
    stage = page[page.index('id="labelling"') :]
    for told in ("0.618", "secret-version", "北京"):
        assert told not in stage


def test_an_answer_brings_the_next_photo(labeller: Client) -> None:
    first, second = photo("a", score=0.51), photo("b", score=0.52)
    state = say(labeller, first, "offline")
    assert [each["id"] for each in state["photos"]] == [second.pk]
    assert (state["today"], state["can_undo"], state["queue"]) == (1, True, "uncertain")
    assert state["waiting"] == {"sample": "0", "uncertain": "1", "imported": "0"}
    first.refresh_from_db()
    assert (first.label, Label.objects.get().by, Label.objects.get().blind) == ("offline", user("ann"), True)


def test_a_long_queue_is_not_counted_to_its_end(labeller: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(selectors, "MAX_COUNTED", 1)
    photos = [photo(name) for name in "abc"]
    assert say(labeller, photos[0], "offline")["waiting"]["uncertain"] == "1+"


def test_a_photo_on_another_screen_is_not_labelled(labeller: Client) -> None:
    one = photo("a")
    member("label_photo").get("/admin/labelling/queue/?queue=uncertain")
    Photo.objects.update(leased_by=User.objects.create_user("bob"))
    form = {"photo": one.pk, "answer": "online", "queue": "uncertain"}
    page = labeller.post("/admin/labelling/answer/", form, follow=True).content.decode()
    assert "Somebody else has that photo by now" in page
    other = photo("b")
    reply = labeller.post("/admin/labelling/answer/", form, headers=JSON)
    assert (reply.status_code, [each["id"] for each in reply.json()["photos"]]) == (409, [other.pk])
    assert "Somebody else has that photo by now" in reply.json()["message"]
    assert not Label.objects.exists()
    one.refresh_from_db()
    assert one.leased_by == User.objects.get(username="bob")


def test_a_photo_that_was_never_shown_is_not_labelled(labeller: Client) -> None:
    labeller.post("/admin/labelling/answer/", {"photo": photo("a").pk, "answer": "online", "queue": "uncertain"})
    assert not Label.objects.exists()


def test_the_first_queue_is_one_with_work_for_who_asks(labeller: Client) -> None:
    say(labeller, photo("seen", sample=True, wanted=2), "online")
    other = photo("b", score=0.6)
    page = labeller.get("/admin/labelling/queue/").content.decode()
    assert f"/admin/photos/{other.content_sha256}/" in page


def test_a_less_sure_photo_that_is_posted_meanwhile_comes_next_to_who_labels_by_keys(labeller: Client) -> None:
    shown = [photo(name, score=score) for name, score in (("a", 0.7), ("b", 0.8), ("c", 0.85))]
    labeller.get("/admin/labelling/queue/", {"queue": "uncertain"})
    posted("unsure", score=0.51)
    form = {"photo": shown[0].pk, "answer": "online", "queue": "uncertain"}
    state = labeller.post("/admin/labelling/answer/", form, headers=JSON).json()
    assert [each["id"] for each in state["photos"]] == [shown[1].pk, Photo.objects.get(name="unsure").pk]


def test_undo_works_after_the_page_was_loaded_anew(labeller: Client) -> None:
    first, _ = photo("a", score=0.51), photo("b", score=0.52)
    say(labeller, first, "offline")
    page = labeller.get("/admin/labelling/queue/").content.decode()
    assert not re.search(r"<button data-key=\"u\"[^>]*disabled", page)
    state = labeller.post("/admin/labelling/undo/", {"queue": "uncertain"}, headers=JSON).json()
    assert state["photos"][0]["id"] == first.pk
    page = labeller.get("/admin/labelling/queue/").content.decode()
    shown = json.loads(re.findall(r'id="labelling-state" type="application/json">(.*?)</script>', page)[0])
    assert shown["photos"][0]["id"] == first.pk


def test_without_scripts_the_page_comes_anew(labeller: Client) -> None:
    one = photo("a")
    form = {"photo": one.pk, "answer": "online", "queue": "uncertain"}
    assert labeller.post("/admin/labelling/answer/", form)["Location"] == "/admin/labelling/queue/?queue=uncertain"


@pytest.mark.parametrize(
    "form", [{}, {"photo": "x"}, {"photo": "0", "answer": "online"}, {"photo": "1", "answer": "?"}]
)
def test_nonsense_is_not_found(labeller: Client, form: dict[str, str]) -> None:
    photo("a", id=1)
    assert labeller.post("/admin/labelling/answer/", form).status_code == 404


def test_leases_are_renewed(labeller: Client) -> None:
    photo("a")
    labeller.get("/admin/labelling/queue/")
    assert labeller.post("/admin/labelling/renew/").json() == {"leases": 1}


def test_an_empty_queue_says_what_fills_it(labeller: Client) -> None:
    for queue, text in (
        ("imported", "Import a folder or zip"),
        ("sample", "SAMPLE_PERCENT"),
        ("uncertain", "below 0.9"),
    ):
        assert text in labeller.get("/admin/labelling/queue/", {"queue": queue}).content.decode()
    assert labeller.get("/admin/labelling/queue/?queue=nonsense").status_code == 200


def test_progress_shows_labellers_their_agreement_and_conflicts(labeller: Client) -> None:
    for number, other in enumerate(("online", "online", "offline")):
        one = photo(str(number), wanted=2)
        label_give(photo_id=one.pk, by=user("ann"), answer="online")
        label_give(photo_id=one.pk, by=user("ben"), answer=other)
    page = " ".join(labeller.get("/admin/labelling/progress/").content.decode().split())
    assert "ann, ben" in page
    assert "66.7 %" in page
    assert f"/admin/Pm/photo/{Photo.objects.get(conflict=True).pk}/change/" in page


PAGES = {
    "/admin/labelling/queue/": "label_photo",
    "/admin/labelling/progress/": "label_photo",
    "/admin/labelling/import/": "import_photo",
    "/admin/labelling/import/state/": "import_photo",
    "/admin/labelling/export/": "export_labels",
    "/admin/Pm/photo/": "view_photo",
}


@pytest.mark.parametrize(("path", "permission"), PAGES.items())
def test_a_page_is_for_who_has_its_permission(path: str, permission: str) -> None:
    assert Client().get(path).status_code == 302
    assert member().get(path).status_code == 403
    assert member(permission).get(path).status_code == 200


@pytest.mark.parametrize("path", ["answer/", "undo/", "renew/", "import/piece/"])
def test_nobody_writes_without_the_permission(path: str) -> None:
    assert member("view_prediction").post(f"/admin/labelling/{path}").status_code == 403


def test_the_photos_page_tells_the_model_and_the_people_apart() -> None:
    row = posted("unsure", score=0.6, institution="School A", sampled=True)
    client = member("view_prediction", "label_photo")
    url = f"/admin/Pm/prediction/{row.pk}/change/"
    assert "Nobody has labelled it yet." in client.get(url).content.decode()
    assert client.post(f"/admin/photos/{row.pk}/label/", {"answer": "offline"})["Location"] == url
    page = client.get(url).content.decode()
    assert 'value="0.6000"' in page
    assert "School A" in page
    assert (Photo.objects.get().label, Label.objects.get().blind) == ("offline", False)
    assert client.post(f"/admin/photos/{row.pk}/label/", {"answer": "?"}).status_code == 404
    assert member("view_prediction").post(f"/admin/photos/{row.pk}/label/", {"answer": "online"}).status_code == 403


@pytest.mark.parametrize(("answer", "is_kept"), [("?", True), ("skip", True), ("offline", False)])
def test_what_the_photos_page_does_not_take_puts_no_photo_into_a_queue(answer: str, is_kept: bool) -> None:
    row = posted("sure", score=0.99)
    if not is_kept:
        kept_path(row.content_sha256).unlink()
    client = member("label_photo")
    assert client.post(f"/admin/photos/{row.pk}/label/", {"answer": answer}).status_code == 404
    assert not Photo.objects.exists()


def test_a_label_that_cannot_be_saved_leaves_no_photo_in_a_queue(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(**_: object) -> None:
        raise DatabaseError

    row = posted("sure", score=0.99)
    monkeypatch.setattr(services, "label_give", fail)
    client = member("label_photo")
    client.raise_request_exception = False
    client.post(f"/admin/photos/{row.pk}/label/", {"answer": "offline"})
    assert not Photo.objects.exists()


def test_a_label_decides_on_the_page_of_an_imported_photo_that_labellers_disagree_about() -> None:
    one = Photo.objects.create(name="a.png", content_sha256=keep(picture()), format="PNG", source="imported", wanted=2)
    for name, answer in (("anna", "online"), ("bert", "offline")):
        label_give(photo_id=one.pk, by=user(name), answer=answer)
    client = member("view_photo", "label_photo")
    url, label_url = f"/admin/Pm/photo/{one.pk}/change/", f"/admin/labelling/{one.pk}/label/"
    page = client.get(url).content.decode()
    assert "Labellers disagree: a further label decides." in page
    assert f'action="{label_url}"' in page
    assert client.post(label_url, {"answer": "offline"})["Location"] == url
    one.refresh_from_db()
    assert (one.label, one.conflict) == ("offline", False)
    assert client.post(label_url, {"answer": "?"}).status_code == 404
    assert member("view_photo").post(label_url, {"answer": "online"}).status_code == 403
    assert label_url not in member("view_photo").get(url).content.decode()


def test_an_imported_photo_has_a_page_too() -> None:
    one = photo("imported", source="imported", score=None)
    assert "It was never asked" in member("view_photo").get(f"/admin/Pm/photo/{one.pk}/change/").content.decode()


def test_a_labellers_day_is_the_reports(monkeypatch: pytest.MonkeyPatch) -> None:
    now = datetime(2026, 11, 20, 0, 30, tzinfo=UTC)  # 8:30 in Shanghai
    for name, hours in (("this day", 8), ("the day before", 9)):
        Label.objects.create(
            photo=photo(name), by=user("ann"), answer="online", created_at=now - timedelta(hours=hours)
        )
    monkeypatch.setattr(timezone, "now", lambda: now)
    assert selectors.labelled_today(user("ann")) == 1
