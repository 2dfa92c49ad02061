"""The admin's frame and first page: sidebar, languages, colour schemes, phone and desk; log-in; the API's page."""

import pytest

from Pm.demo.services import demo_fill
from Pm.models import Prediction
from Pm.sample import SAMPLE_ID
from tests.browser.pages import PASSWORD, Device, Language, Scheme, SignIn, assert_accessible, member_of, shot

LOOKS = [
    ("en", "light", "desktop"),
    ("zh-hans", "dark", "desktop"),
    ("zh-hans", "light", "phone"),
    ("en", "dark", "phone"),
]


@pytest.mark.parametrize(("language", "scheme", "device"), LOOKS)
def test_first_visit_says_what_to_do_next(sign_in: SignIn, language: Language, scheme: Scheme, device: Device) -> None:
    Prediction.objects.create(image_id=SAMPLE_ID, result="online", score=0.9)  # as each start posts it
    page = sign_in("administrator", language=language, scheme=scheme, device=device)
    page.goto("/admin/")
    assert page.locator("html").get_attribute("lang") == language
    assert ("dark" in (page.locator("html").get_attribute("class") or "")) == (scheme == "dark")
    assert page.get_by_text("manage.py demo_data").is_visible()
    assert "/api/v1/get_pm" in page.get_by_label("curl").inner_text()
    shot(page, f"first-visit-{language}-{scheme}-{device}")
    assert_accessible(page)


@pytest.mark.parametrize(("language", "scheme", "device"), LOOKS)
def test_start_page_tells_of_the_day(sign_in: SignIn, language: Language, scheme: Scheme, device: Device) -> None:
    demo_fill(photos=60, progress=lambda _: None)
    page = sign_in("administrator", language=language, scheme=scheme, device=device)
    page.goto("/admin/")
    shot(page, f"start-{language}-{scheme}-{device}")
    assert_accessible(page)


def test_language_and_colours_are_switched_from_the_sidebar(sign_in: SignIn) -> None:
    page = sign_in("viewer")
    page.goto("/admin/")
    page.get_by_text("viewer", exact=True).click()
    page.get_by_role("button", name="简体中文").click()
    page.wait_for_selector("html[lang=zh-hans]")
    assert page.get_by_role("link", name="照片").first.is_visible()


def test_viewer_sees_no_link_that_is_not_for_viewers(sign_in: SignIn) -> None:
    page = sign_in("viewer")
    page.goto("/admin/")
    links = page.locator("#nav-sidebar-apps a").all_inner_texts()
    assert not any("API keys" in link or "Users" in link for link in links)
    for address in page.locator("#nav-sidebar-apps a").evaluate_all("links => links.map(link => link.href)"):
        assert page.request.get(address).status == 200


def test_log_in_page_takes_the_password_and_locks_after_five_wrong_ones(sign_in: SignIn) -> None:
    member_of("viewer", "anna")
    page = sign_in("")
    page.goto("/admin/")
    assert_accessible(page)
    shot(page, "log-in")
    for _ in range(5):
        page.get_by_label("Username").fill("anna")
        page.get_by_label("Password").fill("wrong")
        page.get_by_role("button", name="Log in").click()
    page.get_by_text("Try again in 15 minutes").wait_for()
    assert_accessible(page)
    shot(page, "locked-out")


def test_who_logs_in_gets_to_the_page_that_was_asked_for(sign_in: SignIn) -> None:
    member_of("viewer", "anna")
    page = sign_in("", language="zh-hans", device="phone")
    page.goto("/admin/Pm/modelversion/")
    page.locator("#id_username").fill("anna")
    page.locator("#id_password").fill(PASSWORD)
    page.get_by_role("button").last.click()
    page.wait_for_url("**/admin/Pm/modelversion/")


def test_api_docs_work_under_the_page_policy(sign_in: SignIn) -> None:
    page = sign_in("")
    page.goto("/api/docs/")
    page.get_by_text("/api/v1/get_pm/").first.wait_for()
