"""Labelling as a person does it: look, press a key, take back; photos found and opened; a zip sent."""

import io
import zipfile
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from Pm import background
from Pm.demo import drawings
from Pm.labelling.importing import photos_import
from Pm.labelling.services import label_give
from Pm.models import Label, Photo, PhotoImport, Prediction
from tests.browser.pages import Device, Language, Scheme, SignIn, assert_accessible, shot
from tests.conftest import Change
from tests.Pm.labelling.photos import posted, user

LOOKS = [
    ("en", "light", "desktop"),
    ("zh-hans", "dark", "desktop"),
    ("zh-hans", "light", "phone"),
    ("en", "dark", "phone"),
]


def drawn(number: int) -> bytes:
    out = io.BytesIO()
    (drawings.online if number % 2 else drawings.offline)(number).save(out, "JPEG", quality=80)
    return out.getvalue()


@pytest.fixture
def photos(live_url: str, change: Change) -> list[Prediction]:
    """Six uncertain photos, the least sure last, in a gateway without nginx."""
    change(photos_served_by="django", second_label_percent=0)
    return [
        posted(f"北京校区Java学科{number}期开班合照", drawn(number), score=0.8 - number / 50, institution="北京校区")
        for number in range(6)
    ]


def shown(page: Page) -> str:
    """The hash of the photo on the screen."""
    return str(page.locator("#photo").get_attribute("src")).split("/")[-2]


def answered(page: Page, key: str) -> None:
    before = shown(page)
    page.keyboard.press(key)
    expect(page.locator("#photo")).not_to_have_attribute("src", f"/admin/photos/{before}/")


def test_keys_label_one_photo_after_another_and_undo(sign_in: SignIn, photos: list[Prediction]) -> None:
    page = sign_in("labeller", name="ann")
    page.goto("/admin/labelling/queue/")
    assert shown(page) == photos[5].content_sha256
    answered(page, "o")
    assert shown(page) == photos[4].content_sha256
    answered(page, "n")
    answered(page, "s")
    said = Label.objects.order_by("id").values_list("answer", flat=True)
    assert list(said) == ["offline", "online", "skip"]
    expect(page.locator("#today")).to_have_text("3")
    expect(page.locator(".pm-tabs span")).to_have_text(["0", "3", "0"])
    page.reload()
    answered(page, "u")
    assert shown(page) == photos[3].content_sha256
    answered(page, "u")
    assert shown(page) == photos[4].content_sha256
    assert Label.objects.filter(undone_at=None).count() == 1
    page.wait_for_function("document.querySelector('#photo').complete")  # not only announced


def test_buttons_do_what_keys_do_and_the_end_is_told(sign_in: SignIn, photos: list[Prediction]) -> None:
    page = sign_in("labeller", device="phone")
    page.goto("/admin/labelling/queue/")
    for number in range(6):
        before = shown(page)
        page.get_by_role("button", name="Offline").tap()
        if number < 5:
            expect(page.locator("#photo")).not_to_have_attribute("src", f"/admin/photos/{before}/")
    expect(page.get_by_text("Nothing to label here")).to_be_visible()
    assert Photo.objects.filter(label="offline").count() == 6


def test_two_people_see_different_photos(sign_in: SignIn, photos: list[Prediction]) -> None:
    pages = [sign_in("labeller", name=name) for name in ("ann", "ben")]
    for page in pages:
        page.goto("/admin/labelling/queue/")
    assert shown(pages[0]) != shown(pages[1])


@pytest.mark.parametrize(("language", "scheme", "device"), LOOKS)
def test_the_queue_is_readable(
    sign_in: SignIn, photos: list[Prediction], language: Language, scheme: Scheme, device: Device
) -> None:
    page = sign_in("labeller", language=language, scheme=scheme, device=device)
    page.goto("/admin/labelling/queue/")
    page.wait_for_function("document.querySelector('#photo').naturalWidth > 0")
    shot(page, f"labelling-{language}-{scheme}-{device}")
    assert_accessible(page)


@pytest.mark.parametrize(("language", "scheme", "device"), LOOKS)
def test_photos_are_found_and_opened(
    sign_in: SignIn, photos: list[Prediction], language: Language, scheme: Scheme, device: Device
) -> None:
    page = sign_in("labeller", language=language, scheme=scheme, device=device)
    page.goto("/admin/Pm/prediction/")
    expect(page.locator(".pm-thumbnail")).to_have_count(6)
    seen = 2 if device == "phone" else 6  # the others wait to be scrolled to
    loaded = "n => [...document.querySelectorAll('.pm-thumbnail')].slice(0, n).every(image => image.naturalWidth > 0)"
    page.wait_for_function(loaded, arg=seen)
    shot(page, f"photos-{language}-{scheme}-{device}")
    assert_accessible(page)
    page.goto(f"/admin/Pm/prediction/?q={photos[2].image_id}")
    page.get_by_role("link", name=photos[2].image_id).click()
    page.wait_for_function("document.querySelector('.pm-detail img').naturalWidth > 0")
    page.locator("button[name=answer][value=offline]").click()
    expect(page.locator(".pm-table tr")).to_have_count(2)
    shot(page, f"photo-{language}-{scheme}-{device}")
    assert_accessible(page)


def test_progress_and_agreement_are_readable(sign_in: SignIn, photos: list[Prediction]) -> None:
    page = sign_in("labeller", name="ann")
    page.goto("/admin/labelling/queue/")
    for number, photo in enumerate(Photo.objects.all()[:5]):
        Photo.objects.filter(pk=photo.pk).update(wanted=2)
        label_give(photo_id=photo.pk, by=user("ann"), answer="online" if number % 2 else "offline")
        label_give(photo_id=photo.pk, by=user("ben"), answer="online" if number % 4 else "offline")
    page.goto("/admin/labelling/progress/")
    expect(page.get_by_text("ann, ben")).to_be_visible()
    shot(page, "labelling-progress")
    assert_accessible(page)


def test_a_zip_is_sent_in_pieces_and_imported(
    sign_in: SignIn, photos: list[Prediction], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def start(_: str, path: str, record: str, *__: str) -> None:
        photos_import(Path(path), PhotoImport.objects.get(pk=record.partition("=")[2]))

    monkeypatch.setattr(background, "start", start)
    monkeypatch.setattr("Pm.labelling.transfer_views.CHUNK_BYTES", 100_000)
    with zipfile.ZipFile(tmp_path / "classes.zip", "w") as archive:
        for number in range(20, 26):
            archive.writestr(f"{'online' if number % 2 else 'offline'}/{number}.jpg", drawn(number))
        archive.writestr("offline/broken.jpg", b"no picture")
    page = sign_in("administrator")
    page.goto("/admin/labelling/import/")
    page.locator("input[type=file]").set_input_files(tmp_path / "classes.zip")
    page.get_by_label("Folders named offline and online are labels").check()
    page.get_by_role("button", name="Upload and import").click()
    expect(page.get_by_text("7 / 7")).to_be_visible()
    page.locator("details summary").click()
    expect(page.get_by_text("offline/broken.jpg: It is no whole picture")).to_be_visible()
    assert Photo.objects.filter(source="imported", label="online", group="").count() == 3
    shot(page, "import")
    assert_accessible(page)
