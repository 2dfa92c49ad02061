"""A browser that runs no scripts: people sign in, look, label by buttons and sign out all the same."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from Pm.models import Label
from tests.browser.pages import PASSWORD, member_of
from tests.conftest import Change
from tests.Pm.labelling.photos import posted


@pytest.fixture
def page(browser: Browser, live_url: str, change: Change) -> Iterator[Page]:
    """The log-in page; two uncertain photos wait."""
    change(photos_served_by="django", second_label_percent=0)
    posted("room", score=0.6)
    posted("slides", score=0.7)
    member_of("administrator", "anna")
    context = browser.new_context(base_url=live_url, locale="en-GB", java_script_enabled=False)
    page = context.new_page()
    page.goto("/admin/")
    yield page
    context.close()


@pytest.fixture
def signed_in(page: Page) -> Page:
    page.get_by_label("Username").fill("anna")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Log in").click()
    page.get_by_role("button", name="Log out").wait_for()
    return page


def test_photos_are_labelled_by_buttons(signed_in: Page) -> None:
    page = signed_in
    page.get_by_role("link", name="Labelling").first.click()
    first = page.locator("#photo").get_attribute("src") or ""
    page.get_by_role("button", name="Offline").click()
    expect(page.locator("#photo")).not_to_have_attribute("src", first)
    page.get_by_role("button", name="Online").click()
    expect(page.get_by_text("Nothing to label here")).to_be_visible()
    page.get_by_role("button", name="Undo").click()
    expect(page.locator("#photo")).to_be_visible()
    assert list(Label.objects.filter(undone_at=None).values_list("answer", flat=True)) == ["offline"]


def test_a_photo_is_found_and_labelled_on_its_page(signed_in: Page) -> None:
    page = signed_in
    page.get_by_role("link", name="Photos").first.click()
    page.get_by_role("link", name="not labelled").click()  # a filter
    page.get_by_role("link", name="slides").click()
    page.get_by_role("button", name="It is online").click()
    expect(page.get_by_text("The label is saved.")).to_be_visible()


@pytest.mark.parametrize(
    ("path", "button"),
    [
        ("labelling/import/", "Upload and import"),
        ("labelling/export/", "Make a zip"),
        ("Pm/apikey/add/", "Save"),
        ("auth/group/add/", "Save"),
    ],
)
def test_a_form_is_in_reach(signed_in: Page, path: str, button: str) -> None:
    signed_in.goto(f"/admin/{path}")
    signed_in.get_by_role("button", name=button, exact=True).click(trial=True)


def test_the_way_out_is_in_reach(signed_in: Page) -> None:
    signed_in.get_by_role("button", name="Log out").click()
    expect(signed_in.get_by_text("Logged out", exact=False).first).to_be_visible()
