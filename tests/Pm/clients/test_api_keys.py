"""Keys: scopes, a rate that all processes share, last use, and the page that shows a new one once."""

import importlib
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest
from django.apps import apps
from django.contrib.admin.models import LogEntry
from django.core.management import CommandError, call_command
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries
from rest_framework_api_key.models import APIKey as OldApiKey

from Pm.admin.api_keys import ApiKeyForm
from Pm.clients import services
from Pm.clients.services import api_key_create, api_key_use, api_keys_revoke
from Pm.errors import ThrottledError
from Pm.models import ApiKey
from tests.conftest import Change, Post
from tests.fake_model import FakeModel

pytestmark = pytest.mark.django_db
ADD = "/admin/Pm/apikey/add/"
FORM = {
    "name": "crawler", "scopes": ["classify"], "requests_per_minute": "0", "expiry_date_0": "", "expiry_date_1": ""
}  # fmt: skip


@pytest.fixture(autouse=True)
def plain_settings(change: Change) -> None: ...


NOON = datetime(2026, 11, 20, 12, 0, 15, tzinfo=UTC)
At = Callable[[datetime], None]


@pytest.fixture
def at(monkeypatch: pytest.MonkeyPatch) -> At:
    """Sets the clock of the service."""
    return lambda moment: monkeypatch.setattr(services, "timezone", SimpleNamespace(now=lambda: moment))


def test_key_is_kept_as_a_hash_that_is_fast_to_check() -> None:
    record, key = api_key_create(name="crawler")
    assert record.hashed_key.startswith("sha512$$")
    assert key not in str(ApiKey.objects.values())


def test_key_over_its_rate_is_429_until_the_next_minute(at: At, model: FakeModel, post: Post) -> None:
    _, key = api_key_create(name="crawler", requests_per_minute=2)
    header = {"Authorization": f"Api-Key {key}"}
    at(NOON)
    assert [post(headers=header).status_code for _ in range(2)] == [200, 200]
    refused = post(headers=header)
    assert (refused.status_code, refused.json()["error"]["code"], refused["Retry-After"]) == (429, "throttled", "45")
    at(NOON + timedelta(seconds=45))
    assert post(headers=header).status_code == 200


def test_rate_is_counted_in_the_database_for_all_processes(at: At) -> None:
    record, _ = api_key_create(name="crawler", requests_per_minute=1)
    at(NOON)
    api_key_use(ApiKey.objects.get(pk=record.pk))
    with pytest.raises(ThrottledError):
        api_key_use(record)  # as another process read it before


def test_key_without_a_rate_is_written_once_a_minute(at: At, django_assert_num_queries: DjangoAssertNumQueries) -> None:
    record, _ = api_key_create(name="crawler")
    at(NOON)
    with django_assert_num_queries(1):
        api_key_use(record)
    record.refresh_from_db()
    assert record.last_used_at == NOON
    at(NOON + timedelta(seconds=59))
    with django_assert_num_queries(0):
        api_key_use(record)


def test_key_without_the_scope_is_403(model: FakeModel, post: Post) -> None:
    _, key = api_key_create(name="monitor", scopes=["metrics"])
    refused = post(headers={"Authorization": f"Api-Key {key}"})
    assert refused.status_code == 403
    assert refused.json()["error"]["message"] == "This API key may not do this: it lacks the scope classify."


def test_metrics_are_told_to_a_key_with_that_scope_only(client: Client) -> None:
    keys = [api_key_create(name="k", scopes=[scope])[1] for scope in ("metrics", "classify")]
    answers = [client.get("/api/v1/metrics", headers={"Authorization": f"Api-Key {key}"}) for key in keys]
    assert [answer.status_code for answer in answers] == [200, 403]
    assert b"pm_gateway_database_up" in answers[0].content
    assert client.get("/api/v1/metrics").status_code == 401


def test_revoked_key_is_refused_at_once(model: FakeModel, post: Post) -> None:
    record, key = api_key_create(name="crawler")
    api_keys_revoke([record])
    assert post(headers={"Authorization": f"Api-Key {key}"}).status_code == 403


def test_keys_of_the_version_before_go_on_working(model: FakeModel, post: Post) -> None:
    migration = importlib.import_module("Pm.migrations.0004_clients")
    old, key = OldApiKey.objects.create_key(name="old crawler", expiry_date=timezone.now() + timedelta(days=1))
    revoked, _ = OldApiKey.objects.create_key(name="gone", revoked=True)
    migration.copy_keys(apps, None)
    assert post(headers={"Authorization": f"Api-Key {key}"}).status_code == 200
    copied = ApiKey.objects.get(pk=old.pk)
    assert (copied.created, copied.expiry_date, copied.scopes) == (old.created, old.expiry_date, ["classify"])
    assert ApiKey.objects.get(pk=revoked.pk).revoked


def test_new_key_is_shown_once_and_kept_nowhere(admin_client: Client) -> None:
    page = admin_client.post(ADD, FORM | {"scopes": ["classify", "metrics"], "requests_per_minute": "60"})
    record = ApiKey.objects.get()
    key = page.context["key"]
    assert page.content.decode().count(key) == 2
    assert page["Cache-Control"] == "max-age=0, no-cache, no-store, must-revalidate, private"
    assert (record.scopes, record.requests_per_minute) == (["classify", "metrics"], 60)
    assert ApiKey.objects.get_from_key(key) == record
    assert key not in admin_client.get(f"/admin/Pm/apikey/{record.pk}/change/").content.decode()
    assert key not in str(LogEntry.objects.values()) + str(admin_client.session.items())


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"name": "  "}, "This field is required."),
        ({"name": "a\u200bb"}, "A key&#x27;s name has 1 to 50 printable characters."),
        ({"scopes": []}, "This field is required."),
        ({"scopes": ["everything"]}, "everything is not one of the available choices."),
        ({"requests_per_minute": "-1"}, "Ensure this value is greater than or equal to 0."),
        ({"requests_per_minute": "100001"}, "At most 100000; 0 is no limit."),
        ({"expiry_date_0": "never", "expiry_date_1": "x"}, "Enter a valid date."),
        ({"expiry_date_0": "2020-01-01", "expiry_date_1": "00:00"}, "This is past; to end a key at once, revoke it."),
    ],
)
def test_wrong_facts_of_a_key_are_told(admin_client: Client, wrong: dict[str, object], said: str) -> None:
    assert said in admin_client.post(ADD, FORM | wrong).content.decode()
    assert not ApiKey.objects.exists()


def test_key_is_revoked_from_the_list_with_who_did_it(admin_client: Client) -> None:
    record, _ = api_key_create(name="crawler")
    form = {"action": "revoke", "_selected_action": record.pk}
    page = admin_client.post("/admin/Pm/apikey/", form, follow=True).content.decode()
    assert "1 key is revoked." in page
    entry = LogEntry.objects.get()
    said = (entry.user.username, entry.object_repr, entry.get_change_message())
    assert said == ("admin", "crawler", "Changed Revoked.")
    url = f"/admin/Pm/apikey/{record.pk}/change/"
    assert "classify" in admin_client.get(url).content.decode()
    assert "[&quot;classify&quot;]" not in admin_client.get(url).content.decode()
    assert admin_client.post(url, FORM).status_code == 403
    assert admin_client.post(f"/admin/Pm/apikey/{record.pk}/delete/", {"post": "yes"}).status_code == 403


def test_a_key_that_is_revoked_while_its_form_is_saved_stays_revoked(
    admin_client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    record, _ = api_key_create(name="crawler")

    def revoked_meanwhile(form: ApiKeyForm) -> int:
        ApiKey.objects.filter(pk=record.pk).update(revoked=True, counted=7)
        return int(form.cleaned_data["requests_per_minute"])

    monkeypatch.setattr(ApiKeyForm, "clean_requests_per_minute", revoked_meanwhile)
    form = FORM | {"requests_per_minute": "60"}
    assert admin_client.post(f"/admin/Pm/apikey/{record.pk}/change/", form).status_code == 302
    record.refresh_from_db()
    assert (record.requests_per_minute, record.revoked, record.counted) == (60, True, 7)


def test_command_makes_a_key_with_all_that_a_page_can_say() -> None:
    call_command("create_api_key", "crawler", "--scope=metrics", "--requests-per-minute=60", "--expires-in-days=1")
    record = ApiKey.objects.get()
    assert (record.scopes, record.requests_per_minute) == (["metrics"], 60)
    assert timedelta(hours=23) < record.expiry_date - timezone.now() <= timedelta(days=1)


@pytest.mark.parametrize(
    ("option", "said"),
    [
        ("--scope=all", "--scope must be one of classify, metrics, not all."),
        (
            "--requests-per-minute=000000000999999999",
            "--requests-per-minute must be a whole number from 0 to 100000, not '000000000999999999'.",
        ),
        ("--requests-per-minute=-1", "--requests-per-minute must be a whole number from 0 to 100000, not '-1'."),
        ("--expires-in-days=0", "--expires-in-days must be a whole number from 1 to 3650, not '0'."),
        ("--expires-in-days=x", "--expires-in-days must be a whole number from 1 to 3650, not 'x'."),
    ],
)
def test_command_refuses_what_makes_no_sense(option: str, said: str) -> None:
    with pytest.raises(CommandError) as refused:
        call_command("create_api_key", "crawler", option)
    assert str(refused.value) == said
