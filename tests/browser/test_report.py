"""The report as a person reads it: filters, links to the photos, files, paper."""

from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from openpyxl import load_workbook
from playwright.sync_api import Browser

from Pm.models import Label, Photo
from tests.browser.pages import Device, Language, Scheme, SignIn, assert_accessible, member_of, shot, sign
from tests.Pm.report.records import post_photos

DAYS = "?first=2026-11-01&last=2026-11-20"
CAMPUSES = [("北京校区", "北京"), ("广州校区", "广东"), ("深圳校区", "广东"), ("武汉校区", "湖北"), ("", "")]


@pytest.fixture
def november(live_url: str) -> None:
    for day in range(1, 21):
        for number, (institution, region) in enumerate(CAMPUSES):
            version = "default-0a1b2c3d" if day < 12 else "winter-4e5f6a7b"
            offline, online = (day * (number + 2)) % 17, (day + number * 3) % 9
            place = {"institution": institution, "region": region}
            post_photos(f"2026-11-{day:02}", offline, online, refused=day % 2, version=version, **place)


@pytest.fixture
def labelled(november: None) -> None:
    anna = User.objects.create_user("anna")
    facts: dict[str, Any] = {"format": "PNG", "source": "posted", "sample": True, "score": 0.9, "waiting": False}
    for number in range(80):
        label, result = "online" if number % 3 else "offline", "offline" if number % 10 == 0 else "online"
        version = "winter-4e5f6a7b" if number < 20 else "default-0a1b2c3d"
        sha256 = f"{number:064}"
        facts |= {"content_sha256": sha256, "label": label, "result": result, "model_version": version}
        Label.objects.create(photo=Photo.objects.create(**facts), by=anna, answer=label)


@pytest.mark.parametrize(
    ("language", "scheme", "device"),
    [
        ("en", "light", "desktop"),
        ("zh-hans", "dark", "desktop"),
        ("zh-hans", "light", "phone"),
        ("en", "dark", "phone"),
    ],
)
def test_report_is_readable(
    sign_in: SignIn, labelled: None, language: Language, scheme: Scheme, device: Device
) -> None:
    page = sign_in("viewer", language=language, scheme=scheme, device=device)
    page.goto(f"/admin/report/{DAYS}")
    assert page.locator("svg.report-chart").is_visible()
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    shot(page, f"report-{language}-{scheme}-{device}")
    assert_accessible(page)


def test_numbers_lead_to_their_photos(sign_in: SignIn, november: None) -> None:
    page = sign_in("viewer")
    page.goto("/admin/report/")
    page.get_by_label("From", exact=True).fill("2026-11-20")
    page.get_by_label("To", exact=True).fill("2026-11-20")
    page.get_by_label("Region", exact=True).fill("广东")
    page.get_by_role("button", name="Show").click()
    assert "广东" in page.locator("#regions tbody").inner_text()
    assert page.locator("#regions tbody tr").count() == 1
    page.locator("#institutions").get_by_role("link", name="深圳校区").click()
    online = page.locator(".report-total a").nth(2)
    number = online.inner_text()
    online.click()
    assert "/admin/Pm/prediction/" in page.url
    page.wait_for_load_state("networkidle")  # the thumbnails
    assert page.locator("#result_list tbody tr").count() == int(number)


def test_a_wrong_day_is_told_beside_its_field(sign_in: SignIn, november: None) -> None:
    page = sign_in("viewer")
    page.goto("/admin/report/?first=2026-11-20&last=2026-11-01")
    assert page.get_by_text("The last day must not lie before the first.").is_visible()
    assert_accessible(page)
    page.get_by_role("link", name="Last 7 days").click()
    assert page.get_by_text("The last day must not lie before the first.").count() == 0


def test_excel_file_is_downloaded(sign_in: SignIn, november: None, tmp_path: Path) -> None:
    page = sign_in("viewer")
    page.goto(f"/admin/report/{DAYS}")
    with page.expect_download() as caught:
        page.get_by_role("link", name="Excel (XLSX)").click()
    file = tmp_path / caught.value.suggested_filename
    caught.value.save_as(file)
    assert file.name == "pm-report-2026-11-01-2026-11-20.xlsx"
    assert load_workbook(file)["Institution"].max_row == 6


def test_paper_shows_the_report_and_nothing_else(sign_in: SignIn, november: None) -> None:
    page = sign_in("viewer", scheme="dark")
    page.goto(f"/admin/report/{DAYS}&page=all")
    page.emulate_media(media="print")
    assert not page.locator("#nav-sidebar").is_visible()
    assert not page.locator(".report-form").is_visible()
    assert page.locator("svg.report-chart").is_visible()
    assert page.locator("#institutions table").is_visible()
    assert page.evaluate("getComputedStyle(document.querySelector('.report')).color") == "rgb(0, 0, 0)"
    shot(page, "report-print")


def test_report_needs_no_script(browser: Browser, live_url: str, november: None) -> None:
    context = browser.new_context(base_url=live_url, java_script_enabled=False)
    sign(context, live_url, member_of("viewer", "viewer"))
    page = context.new_page()
    page.goto(f"/admin/report/{DAYS}")
    assert page.locator("svg.report-chart").is_visible()
    assert page.locator("#institutions tbody tr").count() == len(CAMPUSES)
    assert not page.get_by_role("button", name="Print").is_visible()
    context.close()


def test_an_empty_report_says_what_to_do_next(sign_in: SignIn) -> None:
    page = sign_in("viewer")
    page.goto("/admin/report/")
    assert page.get_by_text("No photo has been classified yet").is_visible()
    shot(page, "report-empty")
    assert_accessible(page)
