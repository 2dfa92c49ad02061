"""The models' page: what is served, a roll-out followed while it runs, a change asked for with its reason."""

import os

import pytest

from Pm import artifacts
from Pm.models import ModelVersion, RollOut
from Pm.versions.selectors import default_version, share
from tests.browser.pages import SignIn, assert_accessible, shot
from tests.conftest import Change
from tests.fake_model import FakeModel, Reply

URL = "/admin/Pm/modelversion/"


@pytest.fixture
def two_servers(change: Change, model: FakeModel, spare_model: FakeModel) -> None:
    """Both answer that they serve the model that ships."""
    change(model_servers=(model.address, spare_model.address))
    for server in (model, spare_model):
        server.ready = Reply({"status": "ready", "model_version": default_version(), "pid": 1})


def test_version_is_activated_with_a_reason_from_its_page(
    two_servers: None, sign_in: SignIn, commands: list[tuple[str, ...]]
) -> None:
    page = sign_in("operator")
    page.goto(URL)
    page.get_by_role("link", name=default_version()).last.click()
    accuracy = artifacts.read_manifest(artifacts.DEFAULT)["metrics"]["mean_accuracy"]
    page.get_by_text(share(accuracy)).first.wait_for()
    assert_accessible(page)
    page.get_by_text("Activate this version").first.click()
    page.get_by_label("Why? It stays in the record.").first.fill("dark rooms")
    shot(page, "model-version")
    page.get_by_role("button", name="Activate this version").click()
    page.get_by_text("The roll-out has begun").wait_for()
    assert [command[0] for command in commands] == ["deploy_model"]
    assert commands[0][2:] == ("--by=operator", "--reason=dark rooms", "--language=en")


@pytest.mark.usefixtures("every_process_is_a_command")
def test_roll_out_is_followed_until_it_is_done(two_servers: None, sign_in: SignIn) -> None:
    version = ModelVersion.objects.get()
    row = RollOut.objects.create(
        version=version, artifact="a", before={}, by="anna", reason="dark rooms", process=os.getpid(),
        step="resnet_server1", steps=[["check", 9.2]],
    )  # fmt: skip
    page = sign_in("operator")
    page.goto(URL)
    assert page.get_by_text("resnet_server1 …").is_visible()
    assert page.get_by_text("Roll back", exact=True).count() == 0
    assert_accessible(page)
    shot(page, "models-running")
    RollOut.objects.filter(pk=row.pk).update(step="resnet_server2", steps=[["check", 9.2], ["resnet_server1", 4.8]])
    page.get_by_text("resnet_server2 …").wait_for()
    RollOut.objects.filter(pk=row.pk).update(state="done", step="record")
    page.get_by_text("Roll back", exact=True).first.wait_for()


def test_canary_is_promoted_or_aborted_from_the_page(
    two_servers: None, sign_in: SignIn, commands: list[tuple[str, ...]]
) -> None:
    RollOut.objects.create(
        version=ModelVersion.objects.get(), artifact="a", before={}, by="anna", process=1, state="canary", percent=5
    )
    page = sign_in("operator", language="zh-hans", scheme="dark", device="phone")
    page.goto(URL)
    assert_accessible(page)
    shot(page, "models-canary-zh-hans-dark-phone")
    details = page.locator("details")
    details.nth(0).locator("summary").click()
    details.nth(0).locator("input[name=reason]").fill("更准")
    details.nth(0).locator("button").click()
    page.locator("details").nth(1).wait_for()
    assert commands == [("canary", "--promote", "--by=operator", "--reason=更准", "--language=zh-hans")]


def test_viewer_sees_the_models_and_changes_nothing(sign_in: SignIn) -> None:
    page = sign_in("viewer")
    page.goto(URL)
    assert page.get_by_text("does not answer").first.is_visible()
    assert page.locator("details").count() == 0
    shot(page, "models-viewer")
