"""Every address, asked by GET and by POST as nobody and as a member of each group; a new one must enter the table."""

from typing import Any

import pytest
from axes.models import AccessAttempt, AccessLog
from django.contrib.auth.models import Group, User
from django.test import Client
from django.utils import timezone

from Pm.clients.services import api_key_create
from Pm.labelling.services import photo_ensure
from Pm.models import Comparison, ModelVersion, Prediction, RollOut
from tests.conftest import Change
from tests.Pm.access.url_table import TABLE
from tests.Pm.access.urls import OUTCOMES, ROLES, routes

pytestmark = pytest.mark.django_db
SHA256 = "0" * 64
LETTERS = {200: "o", 301: "r", 400: "b", 401: "k", 403: "-", 404: "n", 405: "m", 503: "u"}


@pytest.fixture
def addresses(change: Change, commands: object) -> dict[str, str]:
    """Each route with an object that is there in the place of its parameters."""
    change(photos_served_by="django")
    photo = Prediction.objects.create(
        image_id="1", client="c", request_id="r", result="online", score=0.9, content_sha256=SHA256, format="JPEG"
    )
    version = ModelVersion.objects.get()
    roll_out = RollOut.objects.create(
        artifact="a",
        before={},
        by="b",
        process=1,
        version=version,
        state="done",
        finished_at=timezone.now(),
    )
    answers = {"stable_result": "online", "stable_score": 0.9, "stable_ms": 1.0, "shadow_ms": 1.0}
    facts = {"username": "x", "ip_address": "10.0.0.1", "failures_since_start": 1}
    objects: dict[str, Any] = {
        "Pm/apikey": api_key_create(name="crawler")[0],
        "Pm/photo": photo_ensure(photo),
        "Pm/modelversion": version,
        "Pm/prediction": photo,
        "Pm/rollout": roll_out,
        "Pm/comparison": Comparison.objects.create(roll_out=roll_out, image_id="1", **answers),
        "auth/user": User.objects.create_user("somebody"),
        "auth/group": Group.objects.get(name="viewer"),
        "axes/accessattempt": AccessAttempt.objects.create(**facts),
        "axes/accesslog": AccessLog.objects.create(username="x", ip_address="10.0.0.1", attempt_time=timezone.now()),
    }
    return {route: _address(route, objects) for route in routes()}


def _address(route: str, objects: dict[str, Any]) -> str:
    if route.startswith("admin/r/"):
        return "/admin/r/1/1/"
    if route.startswith("admin/^"):
        return "/admin/Pm/"
    if route.endswith("$"):
        return "/admin/no-such-page/"
    model = "/".join(route.split("/")[1:3])
    pk = objects[model].pk if model in objects else ""
    for parameter in ("<path:object_id>", "<id>"):
        route = route.replace(parameter, str(pk))
    route = route.replace("<str:sha256>", SHA256).replace("<slug:slug>", "days")
    route = route.replace("<int:photo>", str(objects["Pm/photo"].pk))
    return "/" + route.replace("<int:prediction>", str(objects["Pm/prediction"].pk))


def test_every_address_stands_in_the_table() -> None:
    assert sorted(TABLE) == sorted(set(routes()))
    assert set("".join(by for outcomes in TABLE.values() for by in outcomes)) <= set(OUTCOMES)


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize("role", ROLES)
def test_each_role_gets_what_the_table_says(addresses: dict[str, str], role: str, method: str, client: Client) -> None:
    column, half = ROLES.index(role), ("GET", "POST").index(method)
    user = User.objects.create_user(role, is_staff=True)
    if role != "nobody":
        user.groups.add(Group.objects.get(name=role))
    found = {}
    for route, address in addresses.items():
        client.logout()
        if role != "nobody":
            client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
        found[route] = _outcome(client.generic(method, address, content_type="application/x-www-form-urlencoded"))
    assert found == {route: outcomes[half][column] for route, outcomes in TABLE.items()}


def _outcome(response: Any) -> str:
    if response.streaming:
        response.getvalue()  # to the end, which closes its file
    if response.status_code == 302:
        return "l" if response["Location"].startswith("/admin/login/") else "r"
    return LETTERS.get(response.status_code, str(response.status_code))
