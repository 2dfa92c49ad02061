"""manage.py canary, and the same from the admin: what they take, what they say."""

import getpass
from io import StringIO

import pytest
from django.contrib.auth.models import Permission, User
from django.core.management import CommandError, call_command
from django.test import Client

from Pm import artifacts, canary
from Pm.models import ModelVersion, RollOut
from tests.Pm.fake_servers import DEFAULT_VERSION, Make, Servers

pytestmark = pytest.mark.django_db


def run(*arguments: str) -> list[str]:
    out = StringIO()
    call_command("canary", *arguments, stdout=out)
    return out.getvalue().splitlines()


def test_from_start_to_promotion(servers: Servers, make: Make) -> None:
    lines = run(str(make("v1")), "--percent", "2.5", "--reason", "dark rooms")
    assert lines[0] == "-- check"
    assert lines[-1] == "v1: canary, answers 2.5 % of the requests."
    row = RollOut.objects.get()
    assert (row.by, row.reason, row.shadow) == (getpass.getuser(), "dark rooms", False)
    assert run("--percent", "10")[-1] == "v1: canary, answers 10 % of the requests."
    assert run("--report")[0] == f"v1: canary, answers 10 % of the requests; by {getpass.getuser()}"
    assert run("--promote", "--by", "bo")[-1] == "v1 is active."
    assert run("--report")[0].startswith("v1: done; by ")


def test_from_a_shadow_to_its_end(servers: Servers, make: Make) -> None:
    assert run(str(make("v1")), "--shadow")[-1] == "v1: shadow, sees copies 5 % of the requests."
    assert run("--abort", "--by", "bo", "--reason", "slow")[-1] == (
        "v1: undone, the servers serve what they served before."
    )
    assert "bo aborted it: slow" in run("--report")
    assert canary.current() is None


def test_the_check_takes_a_canary_set(servers: Servers, make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(CommandError, match=r"^--min-accuracy needs the pictures"):
        run(str(make("v1")), "--min-accuracy", "0.9")


@pytest.mark.parametrize(
    "arguments",
    [
        (),
        ("--promote", "--abort"),
        ("a", "--promote"),
        ("a", "--report"),
        ("--promote", "--percent", "5"),
        ("--shadow",),
        ("--percent", "5", "--shadow"),
        ("--abort", "--canary-set", "x"),
    ],
)
def test_what_does_not_go_together_is_refused(arguments: tuple[str, ...]) -> None:
    with pytest.raises(CommandError, match=r"^Say one of: ARTIFACT \[--percent P\] .*, --report\.$"):
        run(*arguments)


@pytest.mark.parametrize("value", ["0", "0.001", "-1", "100.1", "nan", "5%", ""])
def test_a_nonsensical_share_is_refused(value: str) -> None:
    with pytest.raises(CommandError, match=r"^--percent must be a number from 0\.01 to 100, not '.*'\.$"):
        run("artifact", f"--percent={value}")


def test_without_a_canary_there_is_no_report() -> None:
    with pytest.raises(CommandError, match=r"^There was no canary yet: start one with manage\.py canary ARTIFACT"):
        run("--report")


def select(client: Client, action: str, **fields: str) -> str:
    chosen = ModelVersion.objects.get(version=DEFAULT_VERSION)
    form = {"action": action, "_selected_action": str(chosen.pk), "reason": "dark rooms"} | fields
    return client.post("/admin/Pm/modelversion/", form, follow=True).content.decode()


def test_a_canary_is_started_promoted_and_aborted_in_the_admin(
    servers: Servers, admin_client: Client, commands: list[tuple[str, ...]]
) -> None:
    assert "The roll-out has begun" in select(admin_client, "start_canary", percent="5")
    select(admin_client, "start_canary", percent="0" * 200_000 + "20", shadow="on")
    select(admin_client, "promote_canary")
    select(admin_client, "abort_canary")
    who = ("--by=admin", "--reason=dark rooms", "--language=en")
    folder = str(artifacts.DEFAULT)
    assert commands == [
        ("canary", folder, "--percent=5", *who),
        ("canary", folder, "--percent=20", "--shadow", *who),
        ("canary", "--promote", *who),
        ("canary", "--abort", *who),
    ]
    other = ModelVersion.objects.create(version="v1", sha256="0", manifest={})
    page = admin_client.get(f"/admin/Pm/modelversion/{other.pk}/change/").content.decode()
    assert 'name="percent"' in page
    assert 'name="shadow"' in page


@pytest.mark.parametrize("action", ["start_canary", "change_canary"])
def test_a_nonsensical_share_is_refused_in_the_admin_in_its_own_words(
    servers: Servers, admin_client: Client, commands: list[tuple[str, ...]], action: str
) -> None:
    assert "A canary&#x27;s share is a number from 0.01 to 100, not “zz”." in select(admin_client, action, percent="zz")
    admin_client.defaults["HTTP_ACCEPT_LANGUAGE"] = "zh-hans"
    assert "灰度比例须为 0.01 至 100 的数字，而不是“zz”。" in select(admin_client, action, percent="zz")
    assert commands == []


def test_only_who_may_activate_has_canaries(
    servers: Servers, client: Client, django_user_model: type[User], commands: list[tuple[str, ...]]
) -> None:
    viewer = django_user_model.objects.create_user("viewer", password="x", is_staff=True)
    viewer.user_permissions.add(Permission.objects.get(codename="view_modelversion"))
    client.force_login(viewer)
    for action in ("start_canary", "promote_canary", "abort_canary"):
        select(client, action, percent="5")
    assert commands == []
    assert "canary" not in client.get("/admin/Pm/modelversion/").content.decode().lower()
