"""Chromium against a live server.

    def test_…(sign_in: SignIn) -> None:
        page = sign_in("labeller", language="zh-hans", scheme="dark", device="phone")
        page.goto("/admin/")
        shot(page, "start")
        assert_accessible(page)

A test fails when its page writes an error to the console (a refusal of the Content-Security-Policy is one), when a
script of it raises, or when it asks another host for anything.
"""

import os
import shutil
from collections.abc import Iterator

import pytest
from django.db import connections
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, Request, expect, sync_playwright

from tests.browser.pages import Device, Language, Scheme, ServerThread, SignIn, member_of, sign
from tests.conftest import Change

PATIENCE_MS = 15_000  # for what a page does, and for what a test expects of it
expect.set_options(timeout=PATIENCE_MS)
LOCKED_OUT = "429 (Too Many Requests)"  # Chromium complains of each page that is an error; this one is meant
LOCALES = {"en": "en-GB", "zh-hans": "zh-CN"}
VIEWPORTS = {"desktop": {"width": 1280, "height": 800}, "phone": {"width": 390, "height": 844}}


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    chromium = shutil.which("chromium")
    if chromium is None:
        pytest.skip("needs Chromium: apt-get install chromium")
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"  # playwright keeps a loop in this thread; Django runs beside it
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-gpu"])
        yield browser
        browser.close()


@pytest.fixture
def live_url(transactional_db: None, change: Change) -> Iterator[str]:
    """The address of a server that has the test's database and serves the static files."""
    shared = {one.alias: one for one in connections.all() if one.vendor == "sqlite"}
    for one in shared.values():
        one.inc_thread_sharing()  # for good: a connection that the browser kept open may end after the test has
    thread = ServerThread(shared)
    thread.start()
    thread.is_ready.wait()
    if thread.error:
        raise thread.error
    yield f"http://localhost:{thread.port}"
    thread.terminate()


@pytest.fixture
def sign_in(browser: Browser, live_url: str) -> Iterator[SignIn]:
    contexts: list[BrowserContext] = []
    complaints: list[str] = []

    def open_page(
        group: str,
        *,
        language: Language = "en",
        scheme: Scheme = "light",
        device: Device = "desktop",
        name: str = "",
    ) -> Page:
        context = browser.new_context(
            base_url=live_url,
            locale=LOCALES[language],
            timezone_id="UTC",
            color_scheme=scheme,
            viewport=VIEWPORTS[device],  # type: ignore[arg-type]
            reduced_motion="reduce",
            is_mobile=device == "phone",
            has_touch=device == "phone",
        )
        contexts.append(context)
        context.set_default_timeout(PATIENCE_MS)
        if group:
            sign(context, live_url, member_of(group, name or group))
        page = context.new_page()
        _listen(page, live_url, complaints)
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert [text for text in complaints if LOCKED_OUT not in text] == []


def _listen(page: Page, url: str, complaints: list[str]) -> None:
    ours = (url, "data:", "blob:")

    def console(message: ConsoleMessage) -> None:
        if message.type == "error":
            complaints.append(f"console: {message.text}")

    def request(request: Request) -> None:
        if not request.url.startswith(ours):
            complaints.append(f"asks {request.url}")

    page.on("console", console)
    page.on("pageerror", lambda error: complaints.append(f"script: {error}"))
    page.on("request", request)
