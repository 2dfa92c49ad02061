"""The admin's lists: plain, read only; whole ids found; versions activated by who may."""

import re
from datetime import UTC, datetime

import pytest
from django.contrib.auth.models import Permission, User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from Pm import artifacts, background
from Pm.errors import RollOutError
from Pm.models import ModelVersion, Prediction, RollOut
from tests.conftest import Change

pytestmark = pytest.mark.django_db
URL = "/admin/Pm/prediction/"


@pytest.fixture(autouse=True)
def plain_settings(change: Change) -> None: ...


@pytest.fixture
def record() -> Prediction:
    return Prediction.objects.create(image_id="北京校区", client="crawler", request_id="r1", result="online", score=0.9)


def test_records_are_listed(admin_client: Client, record: Prediction) -> None:
    page = admin_client.get(URL).content.decode()
    assert "北京校区" in page
    assert "crawler" in page


def test_whole_image_id_is_found(admin_client: Client, record: Prediction) -> None:
    assert f"{URL}{record.pk}/change/" in admin_client.get(URL, {"q": "北京校区"}).content.decode()
    assert f"{URL}{record.pk}/change/" not in admin_client.get(URL, {"q": "北京"}).content.decode()


def heading(client: Client, path: str) -> list[str]:
    page = client.get(f"/admin/{path}").content.decode()
    (text,) = re.findall(r"<h1[^>]*>(.*?)</h1>", page, re.DOTALL)
    return re.sub(r"<[^>]+>", " ", text).replace("chevron_right", "›").split()


def test_a_heading_shows_what_people_compare_as_it_is(admin_client: Client, record: Prediction) -> None:
    ModelVersion.objects.update(version="class-photos-08944199")
    Prediction.objects.update(image_id="online/上海/x.png")
    version, admin = ModelVersion.objects.get(), User.objects.get()
    assert heading(admin_client, f"Pm/modelversion/{version.pk}/change/")[-1] == "class-photos-08944199"
    assert heading(admin_client, f"auth/user/{admin.pk}/change/")[-3:] == ["Users", "›", "admin"]
    assert heading(admin_client, f"Pm/prediction/{record.pk}/change/") == ["online/上海/x.png"]
    assert heading(admin_client, "Pm/rollout/")[:3] == ["Pm", "›", "Roll-outs"]


def test_nobody_adds_changes_or_deletes_records(admin_client: Client, record: Prediction) -> None:
    assert admin_client.get(f"{URL}add/").status_code == 403
    assert admin_client.post(f"{URL}{record.pk}/change/", {"result": "offline"}).status_code == 403
    assert admin_client.post(f"{URL}{record.pk}/delete/", {"post": "yes"}).status_code == 403
    assert admin_client.get(f"{URL}{record.pk}/change/").status_code == 200


def test_admin_speaks_chinese_and_the_api_stays_english(admin_client: Client) -> None:
    page = admin_client.get("/admin/", headers={"Accept-Language": "zh-hans"})
    assert "还没有提交过照片" in page.content.decode()
    error = admin_client.post("/api/v1/get_pm/", b"", content_type="x/y", headers={"Accept-Language": "zh-hans"})
    assert error.json()["error"]["message"] == "The body must be a JSON object in UTF-8."
    assert "Content-Language" not in error


def test_strangers_are_sent_to_the_log_in_page(
    client: Client, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    with django_assert_num_queries(0):
        response = client.get(URL)
    assert response["Location"] == f"/admin/login/?next={URL}"


def select(client: Client, action: str, version: str, reason: str = "dark rooms") -> str:
    chosen = ModelVersion.objects.get(version=version)
    form = {"action": action, "_selected_action": str(chosen.pk), "reason": reason}
    return client.post("/admin/Pm/modelversion/", form, follow=True).content.decode()


def test_a_version_is_activated_with_who_and_why(admin_client: Client, commands: list[tuple[str, ...]]) -> None:
    default = ModelVersion.objects.get().version
    assert "The roll-out has begun" in select(admin_client, "activate", default)
    ModelVersion.objects.create(version="v1", sha256="0", manifest={})
    (artifacts.models_folder() / "v1").mkdir()
    select(admin_client, "activate", "v1")
    select(admin_client, "roll_back", "v1", reason="blurred")
    assert "Say why, in 1000 characters at most" in select(admin_client, "roll_back", "v1", reason=" ")
    who, language = "--by=admin", "--language=en"
    assert commands == [
        ("deploy_model", str(artifacts.DEFAULT), who, "--reason=dark rooms", language),
        ("deploy_model", str(artifacts.models_folder() / "v1"), who, "--reason=dark rooms", language),
        ("rollback_model", who, "--reason=blurred", language),
    ]


def test_the_list_has_no_bar_of_actions_that_asks_for_no_reason(admin_client: Client) -> None:
    page = admin_client.get("/admin/Pm/modelversion/").content.decode()
    assert 'name="action" value="roll_back"' in page
    assert '<select name="action"' not in page
    assert 'name="_selected_action" value' in page  # the form's own


def test_a_reason_that_no_command_line_takes_is_refused_before_it_starts_one(admin_client: Client) -> None:
    page = select(admin_client, "roll_back", ModelVersion.objects.get().version, reason="x" * 200_000)
    assert "Say why, in 1000 characters at most: it stays in the record." in page


def test_a_selected_row_that_is_none_is_refused(admin_client: Client) -> None:
    form = {"action": "activate", "_selected_action": "zz", "reason": "dark rooms"}
    assert admin_client.post("/admin/Pm/modelversion/", form).status_code == 400


def test_a_version_that_is_no_longer_kept_is_told(admin_client: Client, commands: list[tuple[str, ...]]) -> None:
    ModelVersion.objects.create(version="v1", sha256="0", manifest={})
    assert "Version v1 is no longer kept (MODEL_VERSIONS_KEPT)" in select(admin_client, "activate", "v1")
    assert commands == []


def test_a_refused_roll_out_is_told_in_the_admin(admin_client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: str) -> None:
        raise RollOutError("Wait until the roll-out that runs is done: anna rolls out v1.")

    monkeypatch.setattr(background, "start", refuse)
    page = select(admin_client, "activate", ModelVersion.objects.get().version)
    assert "Wait until the roll-out that runs is done: anna rolls out v1." in page


def test_only_who_may_activate_does(
    client: Client, django_user_model: type[User], commands: list[tuple[str, ...]]
) -> None:
    viewer = django_user_model.objects.create_user("viewer", password="x", is_staff=True)
    viewer.user_permissions.add(Permission.objects.get(codename="view_modelversion"))
    client.force_login(viewer)
    version = ModelVersion.objects.get().version
    assert 'name="action"' not in client.get("/admin/Pm/modelversion/").content.decode()
    select(client, "activate", version)
    assert commands == []
    viewer.user_permissions.add(Permission.objects.get(codename="activate_modelversion"))
    assert 'name="action"' in client.get("/admin/Pm/modelversion/").content.decode()
    select(client, "activate", version)
    assert len(commands) == 1


def test_versions_and_roll_outs_are_listed_with_how_they_ended(admin_client: Client, record: Prediction) -> None:
    version = ModelVersion.objects.get()
    Prediction.objects.update(model_version=version.version)
    facts = {"before": {}, "process": 1, "by": "anna", "reason": "dark rooms", "version": version}
    began = datetime(2026, 11, 12, 19, 4, tzinfo=UTC)
    RollOut.objects.create(artifact="a", state="done", started_at=began, finished_at=timezone.now(), **facts)
    RollOut.objects.create(artifact="b", state="undone", error="resnet_server1 does not serve it: NaN", **facts)
    versions = admin_client.get("/admin/Pm/modelversion/").content.decode()
    (answers,) = re.findall(r"<td[^>]*field-answers[^>]*>(.*?)</td>", versions, re.DOTALL)
    assert answers.strip() == "1"
    (activated,) = re.findall(r"<td[^>]*field-last_activated[^>]*>(.*?)</td>", versions, re.DOTALL)
    assert activated.strip() == "2026-11-13 03:04, anna: dark rooms"  # as everywhere in the admin, of REPORT_TIME_ZONE
    (is_active,) = re.findall(r"<td[^>]*field-is_active[^>]*>(.*?)</td>", versions, re.DOTALL)
    assert "check" in is_active
    roll_outs = admin_client.get("/admin/Pm/rollout/").content.decode()
    assert "undone, the servers serve what they served before" in roll_outs
    assert "resnet_server1 does not serve it: NaN" in roll_outs
    row = RollOut.objects.latest("id")
    assert admin_client.get(f"/admin/Pm/rollout/{row.pk}/change/").status_code == 200
    assert admin_client.get(f"/admin/Pm/modelversion/{version.pk}/change/").status_code == 200
    assert admin_client.post(f"/admin/Pm/modelversion/{version.pk}/delete/", {"post": "yes"}).status_code == 403


def test_a_roll_outs_page_says_its_state_in_words_and_the_seconds_of_each_step(admin_client: Client) -> None:
    steps = [["check", 9.2], ["record", 0.0]]
    row = RollOut.objects.create(artifact="a", before={}, process=1, by="anna", state="done", steps=steps)
    page = admin_client.get(f"/admin/Pm/rollout/{row.pk}/change/", headers={"Accept-Language": "zh-hans"})
    told = re.findall(r'<div class="readonly[^>]*>(.*?)</div>', page.content.decode())
    assert told[1] == "完成"
    assert told[6] == "check 9.2 s, record 0.0 s"


@pytest.mark.parametrize("page", ["Pm/modelversion/", ""])
def test_photos_are_counted_without_their_ids_which_no_index_of_postgresql_holds(
    admin_client: Client, record: Prediction, page: str
) -> None:
    with CaptureQueriesContext(connection) as queries:
        assert admin_client.get(f"/admin/{page}").status_code == 200
    counts = [one["sql"] for one in queries if '"Pm_prediction"' in one["sql"] and "COUNT(" in one["sql"]]
    assert counts
    for sql in counts:
        assert not re.search(r'COUNT\([^)]*"id"', sql), sql


def test_a_page_of_one_version_counts_no_photos(admin_client: Client) -> None:
    with CaptureQueriesContext(connection) as queries:
        page = f"/admin/Pm/modelversion/{ModelVersion.objects.get().pk}/change/"
        assert admin_client.get(page).status_code == 200
    assert not [one for one in queries if '"Pm_prediction"' in one["sql"]]
