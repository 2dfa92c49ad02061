"""What the browser tests do with a page: sign in as a member of a group, take screenshots, ask axe-core."""

import io
import os
import threading
from pathlib import Path
from typing import Any, Literal, Protocol

from axe_playwright_python.sync_playwright import Axe
from django.conf import settings
from django.contrib.auth.models import Group, User
from django.contrib.staticfiles.handlers import StaticFilesHandler
from django.core.handlers.wsgi import WSGIHandler
from django.test import Client
from django.test.testcases import LiveServerThread
from PIL import Image
from playwright.sync_api import BrowserContext, Page

SERIOUS = {"serious", "critical"}
PASSWORD = "a long enough pass phrase"
Language = Literal["en", "zh-hans"]
Scheme = Literal["light", "dark"]
Device = Literal["desktop", "phone"]


class SignIn(Protocol):
    """Opens a page signed in as a new member of a group; "" is nobody, "superuser" a superuser."""

    def __call__(
        self,
        group: str,
        *,
        language: Language = "en",
        scheme: Scheme = "light",
        device: Device = "desktop",
        name: str = "",
    ) -> Page: ...


def shot(page: Page, name: str) -> None:
    """Save what the page shows as $PM_SHOTS/NAME.png, in 256 colours, where PM_SHOTS is set."""
    if folder := os.environ.get("PM_SHOTS"):
        Path(folder).mkdir(parents=True, exist_ok=True)
        picture = Image.open(io.BytesIO(page.screenshot(animations="disabled")))
        picture.convert("RGB").quantize(256, dither=Image.Dither.NONE).save(Path(folder) / f"{name}.png", optimize=True)


def assert_accessible(page: Page) -> None:
    """Fail when axe-core finds something serious or critical on the page."""
    found = [
        f"{rule['impact']}: {rule['id']}: {node['html'][:200]} {node['failureSummary']}"
        for rule in Axe().run(page).response["violations"]
        if rule["impact"] in SERIOUS
        for node in rule["nodes"]
    ]
    assert not found, "\n".join(found)


def member_of(group: str, name: str) -> User:
    """A user of that name, made when there is none."""
    user, _ = User.objects.get_or_create(username=name, defaults={"is_staff": True})
    user.set_password(PASSWORD)
    user.is_superuser = group == "superuser"
    user.save()
    if not user.is_superuser:
        user.groups.add(Group.objects.get(name=group))
    return user


def sign(context: BrowserContext, url: str, user: User) -> None:
    """Give the browser a session of this user."""
    client = Client()
    client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    cookie = client.cookies[settings.SESSION_COOKIE_NAME]
    context.add_cookies([{"name": cookie.key, "value": cookie.value, "url": url}])


class OneAtATime:
    """Lets one request at a time into Django: SQLite in memory has one connection, which all threads share."""

    def __init__(self) -> None:
        self.application, self.turn = StaticFilesHandler(WSGIHandler()), threading.Lock()

    def __call__(self, environ: Any, start_response: Any) -> Any:
        with self.turn:
            return self.application(environ, start_response)


class ServerThread(LiveServerThread):
    """Django's, without its folder of public media: Pm has none."""

    def __init__(self, connections: dict[str, Any]) -> None:
        super().__init__("localhost", StaticFilesHandler, connections_override=connections)
        self.daemon = True

    def _create_server(self, connections_override: Any = None) -> Any:
        server = super()._create_server(connections_override)  # type: ignore[misc]
        set_app = server.set_app
        server.set_app = lambda _: set_app(OneAtATime())
        return server
