"""Log-in attempts are limited for a name from an address, sessions and pages hardened."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from axes.models import AccessAttempt, AccessLog
from django.conf import settings
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.auth.models import Group, Permission, User
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.test import Client
from django.utils import timezone

from Pm.access.groups import ADMINISTRATOR, PERMISSIONS, groups_ensure
from tests.conftest import Change

pytestmark = pytest.mark.django_db
LOG_IN = "/admin/login/"
RIGHT = "a long enough pass phrase"


@pytest.fixture(autouse=True)
def anna(change: Change, django_user_model: type[User]) -> User:
    return django_user_model.objects.create_user("anna", password=RIGHT, is_staff=True)


def log_in(client: Client, password: str, name: str = "anna", address: str = "10.0.0.1", **extra: Any) -> int:
    form = {"username": name, "password": password, "next": "/admin/"}
    return client.post(LOG_IN, form, REMOTE_ADDR=address, **extra).status_code


def test_a_name_is_locked_from_an_address_after_five_wrong_passwords(client: Client) -> None:
    assert [log_in(client, "wrong") for _ in range(6)] == [200, 200, 200, 200, 429, 429]
    assert log_in(client, RIGHT) == 429
    assert log_in(client, RIGHT, address="10.0.0.2") == 302
    client.logout()
    assert log_in(client, "wrong", name="bert") == 200


@pytest.mark.parametrize("target", ["", "//evil.example/", "https://evil.example/"])
def test_who_asked_for_no_page_of_ours_goes_to_the_first_one(client: Client, anna: User, target: str) -> None:
    reply = client.post(LOG_IN, {"username": "anna", "password": RIGHT, "next": target}, REMOTE_ADDR="10.0.0.1")
    assert (reply.status_code, reply["Location"]) == (302, "/admin/")


def test_a_log_in_is_called_by_who_and_when_in_the_reports_zone(admin_client: Client) -> None:
    facts = {"username": "anna", "ip_address": "10.0.0.1"}
    began = datetime(2026, 11, 27, 19, 3, 37, tzinfo=UTC)
    for table, row in (
        ("accesslog", AccessLog.objects.create(**facts)),
        ("accessattempt", AccessAttempt.objects.create(**facts, failures_since_start=1)),
    ):
        type(row).objects.filter(pk=row.pk).update(attempt_time=began)
        page = admin_client.get(f"/admin/axes/{table}/{row.pk}/change/", headers={"Accept-Language": "zh-hans"})
        assert page.context["subtitle"] == "anna, 2026-11-28 03:03:37"
        assert "+00:00" not in page.content.decode()


def test_an_address_that_the_client_claims_is_not_believed(client: Client) -> None:
    codes = [log_in(client, "wrong", HTTP_X_FORWARDED_FOR=f"10.9.9.{number}") for number in range(5)]
    assert codes[-1] == 429


def test_the_page_says_when_to_try_again_and_that_is_true(client: Client) -> None:
    for _ in range(5):
        log_in(client, "wrong")
    AccessAttempt.objects.update(attempt_time=timezone.now() - timedelta(minutes=11, seconds=30))
    page = client.post(LOG_IN, {"username": "anna", "password": RIGHT}, REMOTE_ADDR="10.0.0.1")
    assert "Try again in 4 minutes" in page.content.decode()
    assert 200 <= int(page["Retry-After"]) <= 210
    AccessAttempt.objects.update(attempt_time=timezone.now() - timedelta(minutes=15, seconds=1))
    assert log_in(client, RIGHT) == 302


def test_an_administrator_lets_somebody_try_again(client: Client, admin_client: Client) -> None:
    for _ in range(5):
        log_in(client, "wrong")
    attempt = AccessAttempt.objects.get()
    assert admin_client.post(f"/admin/axes/accessattempt/{attempt.pk}/delete/", {"post": "yes"}).status_code == 302
    assert log_in(client, RIGHT) == 302


@pytest.mark.parametrize("name", ["a" * 10_000, "a\x00b", "北京", ""])
def test_no_name_yields_an_error_of_ours(client: Client, name: str) -> None:
    assert log_in(client, "wrong", name=name) == 200


def test_no_password_is_kept(client: Client) -> None:
    log_in(client, "my secret passphrase")
    assert "my secret passphrase" not in str(AccessAttempt.objects.values())


def test_session_lasts_a_working_day_and_no_script_reads_it(client: Client) -> None:
    log_in(client, RIGHT)
    cookie = client.cookies["sessionid"]
    assert (cookie["httponly"], cookie["samesite"], cookie["max-age"], cookie["expires"]) == (True, "Lax", "", "")
    assert client.cookies["csrftoken"]["samesite"] == "Lax"  # else a link from elsewhere gives open pages a wrong token
    assert client.session.get_expiry_age() == settings.SESSION_COOKIE_AGE == 12 * 3600


@pytest.mark.parametrize("weak", ["short phrase"[:11], "123456789012345", "password12345", "anna@example.org"])
def test_weak_passwords_are_refused(weak: str) -> None:
    with pytest.raises(ValidationError):
        validate_password(weak, User(username="anna", email="anna@example.org"))
    validate_password(RIGHT)


@pytest.mark.parametrize("path", ["/admin/login/", "/api/docs/"])
def test_every_page_says_what_it_may_load(client: Client, path: str) -> None:
    page = client.get(path)
    policy = page["Content-Security-Policy"]
    assert page.status_code == 200
    assert "default-src 'self'" in policy
    own = {"script-src 'self' 'unsafe-eval'", "style-src-attr 'unsafe-inline'"}
    assert own & set(policy.split("; ")) == (own if path.startswith("/admin/") else set())
    assert policy.replace("style-src-attr 'unsafe-inline'", "").count("unsafe-inline") == 0
    assert page["Referrer-Policy"] == "same-origin"


def test_api_docs_hold_no_inline_script_or_style(client: Client) -> None:
    page = client.get("/api/docs/").content.decode()
    assert "<style" not in page
    assert "<script>" not in page
    assert client.get("/api/docs/", {"script": ""})["Content-Type"] == "application/javascript"


def test_groups_are_made_once_and_keep_what_was_added() -> None:
    extra = Permission.objects.get(codename="view_user")
    Group.objects.get(name="viewer").permissions.add(extra)
    groups_ensure()
    assert sorted(Group.objects.values_list("name", flat=True)) == sorted([*PERMISSIONS, ADMINISTRATOR])
    viewer = set(Group.objects.get(name="viewer").permissions.values_list("codename", flat=True))
    labeller = set(Group.objects.get(name="labeller").permissions.values_list("codename", flat=True))
    operator = set(Group.objects.get(name="operator").permissions.values_list("codename", flat=True))
    assert "view_user" in viewer
    assert "activate_modelversion" in operator - viewer
    assert "activate_modelversion" not in labeller


def test_who_is_no_superuser_makes_none(client: Client, admin_user: User, anna: User) -> None:
    anna.groups.add(Group.objects.get(name="administrator"))
    client.force_login(anna, backend="django.contrib.auth.backends.ModelBackend")
    page = client.get(f"/admin/auth/user/{anna.pk}/change/")
    assert page.status_code == 200
    assert 'name="is_superuser"' not in page.content.decode()
    assert client.post(f"/admin/auth/user/{admin_user.pk}/password/", {}).status_code == 403


def test_a_user_is_made_inactive_not_deleted_and_the_history_stays(
    admin_client: Client, admin_user: User, anna: User
) -> None:
    LogEntry.objects.create(user=anna, action_flag=CHANGE, change_message="Revoked.", object_repr="a key")
    page = f"/admin/auth/user/{anna.pk}/"
    assert admin_client.post(f"{page}delete/", {"post": "yes"}).status_code == 403
    chosen = {"action": "delete_selected", "_selected_action": anna.pk, "post": "yes"}
    admin_client.post("/admin/auth/user/", chosen)
    form = admin_client.get(f"{page}change/").context["adminform"].form.initial
    facts = {"username": "anna", "is_staff": "on", "date_joined_0": "2026-01-01", "date_joined_1": "00:00:00"}
    assert form["is_active"]
    assert admin_client.post(f"{page}change/", facts).status_code == 302
    anna.refresh_from_db()
    assert not anna.is_active
    assert LogEntry.objects.get(object_repr="a key").user == anna
