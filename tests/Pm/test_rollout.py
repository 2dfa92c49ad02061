"""Roll-outs: both servers serve one version at the end, or what they served before."""

import json
import os
import shutil
from datetime import timedelta
from pathlib import Path

import pytest

from Pm import artifacts, rollout
from Pm.artifacts import SLOTS
from Pm.errors import RollOutError
from Pm.models import ModelVersion, Prediction, RollOut
from Pm.rollout import roll_back
from tests.conftest import Change
from tests.Pm.fake_servers import DEFAULT_VERSION, Killed, Make, Servers, deploy, dying_at, pointers, silent

pytestmark = pytest.mark.django_db
State = RollOut.State


def test_an_artifact_is_served_by_both_recorded_and_read_only(servers: Servers, make: Make) -> None:
    said: list[str] = []
    row = deploy(make("v1"), said.append)
    assert servers.serves == dict.fromkeys(SLOTS, "v1")
    assert servers.loads == [(SLOTS[0], "v1"), (SLOTS[1], "v1")]
    assert [text for text in said if text.startswith("--")] == [
        "-- check",
        "-- resnet_server1",
        "-- resnet_server2",
        "-- record",
    ]
    row.refresh_from_db()
    assert (str(row.version), row.state, row.by, row.reason, row.error) == ("v1", State.DONE, "ops", "because", "")
    assert [name for name, _ in row.steps] == ["check", *SLOTS, "record"]
    assert {path.stat().st_mode & 0o222 for path in artifacts.folder_of("v1").iterdir()} == {0}
    assert not (artifacts.models_folder() / ".incoming").exists()
    manifest = json.loads((make("v1") / "manifest.json").read_text())
    version = ModelVersion.objects.get(version="v1")
    assert (version.sha256, version.manifest) == (manifest["weights"]["sha256"], manifest)


def test_a_second_roll_out_is_refused_and_told_who_runs_the_first(servers: Servers, make: Make) -> None:
    with (
        artifacts.alone("anna rolls out v1"),
        pytest.raises(RollOutError, match=rf"^Wait until .* is done: anna rolls out v1, process {os.getpid()}\.$"),
    ):
        deploy(make("v2"))
    assert not RollOut.objects.exists()
    assert deploy(make("v2")).state == State.DONE


def test_an_artifact_that_fails_its_check_never_reaches_a_server(servers: Servers, make: Make) -> None:
    servers.check_refuses = "{folder}/model.onnx is damaged"
    bad = make("v1")
    with pytest.raises(RollOutError) as refusal:
        deploy(bad)
    assert str(refusal.value) == f"{bad}/model.onnx is damaged. The roll-out is refused, nothing was changed."
    row = RollOut.objects.get()
    assert (row.state, row.error, row.version) == (State.REFUSED, f"{bad}/model.onnx is damaged", None)
    assert (servers.loads, pointers()) == ([], {""})
    assert [path.name for path in artifacts.models_folder().iterdir()] == [".roll-out.lock"]


@pytest.mark.parametrize("slot", SLOTS)
def test_a_version_that_a_server_refuses_is_undone_at_once(servers: Servers, make: Make, slot: str) -> None:
    deploy(make("v1"))
    servers.refused.add((slot, "v2"))
    with pytest.raises(RollOutError, match=rf"{slot} does not serve it: out of memory\. The roll-out is undone"):
        deploy(make("v2"))
    row = RollOut.objects.latest("id")
    assert (row.state, row.error) == (State.UNDONE, f"{slot} does not serve it: out of memory")
    assert (servers.serves, pointers()) == (dict.fromkeys(SLOTS, "v1"), {"v1"})


def test_a_server_that_does_not_come_back_is_told(servers: Servers, make: Make) -> None:
    servers.refused |= {(SLOTS[1], "v1"), (SLOTS[1], DEFAULT_VERSION)}
    with pytest.raises(RollOutError, match=r"could not be given back what it had: .* and could not be undone"):
        deploy(make("v1"))
    assert RollOut.objects.get().state == State.FAILED
    assert pointers() == {""}
    assert servers.serves[SLOTS[0]] == DEFAULT_VERSION


def test_rolling_back_goes_to_what_was_served_before_and_back_again(servers: Servers, make: Make) -> None:
    for version in ("v1", "v2"):
        deploy(make(version))
    seen = []
    for _ in range(3):
        roll_back(by="ops", say=silent)
        seen.append(servers.serves[SLOTS[1]])
    assert seen == ["v1", "v2", "v1"]


def test_rolling_back_the_first_version_gives_the_default_model(servers: Servers, make: Make) -> None:
    deploy(make("v1"))
    assert str(roll_back(by="ops", say=silent).version) == DEFAULT_VERSION
    assert (servers.serves, pointers()) == (dict.fromkeys(SLOTS, DEFAULT_VERSION), {""})


def test_the_stored_folder_and_the_default_model_are_targets_without_a_copy(servers: Servers, make: Make) -> None:
    deploy(make("v1"))
    deploy(artifacts.DEFAULT)
    assert pointers() == {""}
    deploy(artifacts.models_folder() / "v1")
    assert pointers() == {"v1"}
    assert {path.name for path in artifacts.models_folder().iterdir()} == {".roll-out.lock", "v1", *SLOTS}


def test_what_is_served_already_is_not_loaded_again_and_no_rollback_leads_to_it(servers: Servers, make: Make) -> None:
    deploy(make("v1"))
    servers.loads.clear()
    said: list[str] = []
    deploy(make("v1"), said.append)
    assert servers.loads == []
    assert "v1 is what both servers serve already" in said
    assert rollout.previous_artifact() == artifacts.DEFAULT


def test_a_stopped_server_serves_it_at_its_next_start(servers: Servers, make: Make) -> None:
    servers.stopped = {SLOTS[1]}
    said: list[str] = []
    assert deploy(make("v1"), said.append).state == State.DONE
    assert "   resnet_server2 does not run: its next start serves v1" in said
    assert pointers() == {"v1"}


def test_another_artifact_of_the_same_version_is_refused(servers: Servers, make: Make) -> None:
    deploy(make("v1"))
    other = make("v1")
    (other / "golden.png").write_bytes(b"other")
    with pytest.raises(RollOutError, match=r"^Another artifact was deployed as v1 before"):
        deploy(other)
    assert (artifacts.folder_of("v1") / "golden.png").read_bytes() != b"other"


@pytest.mark.parametrize("version", [SLOTS[0], "..", ".incoming"])
def test_a_version_that_would_be_another_things_name_is_refused(servers: Servers, make: Make, version: str) -> None:
    folder = make("v1")
    document = json.loads((folder / "manifest.json").read_text())
    (folder / "manifest.json").write_text(json.dumps(document | {"version": version}))
    with pytest.raises(RollOutError, match="cannot be a version's name here"):
        deploy(folder)
    assert pointers() == {""}


def test_a_setting_that_overrides_the_pointers_refuses(servers: Servers, make: Make) -> None:
    servers.found = {"pinned": "my/model"}
    with pytest.raises(RollOutError, match=r"^MODEL_ARTIFACT=my/model decides what is served: empty it in \.env"):
        deploy(make("v1"))


def test_a_folder_without_a_manifest_is_not_copied(servers: Servers, tmp_path: Path) -> None:
    with pytest.raises(RollOutError, match=r"^.* is no model artifact: it has no manifest\.json\."):
        deploy(tmp_path)


def test_a_full_disk_refuses_and_leaves_nothing(servers: Servers, make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(shutil, "copyfile", full)
    with pytest.raises(RollOutError, match=r"cannot be copied to .*No space left on device\. The roll-out is refused"):
        deploy(make("v1"))
    assert [path.name for path in artifacts.models_folder().iterdir()] == [".roll-out.lock"]


def test_old_versions_go_and_what_is_served_or_was_before_stays(servers: Servers, make: Make, change: Change) -> None:
    change(model_versions_kept=2)
    deploy(make("v1"))
    for version in ("v2", "v3", "v4"):
        servers.refused.add((SLOTS[0], version))
        with pytest.raises(RollOutError):
            deploy(make(version))
    (artifacts.models_folder() / "by-hand").mkdir()
    deploy(make("v5"))
    kept = {path.name for path in artifacts.models_folder().iterdir() if path.is_dir() and not path.is_symlink()}
    assert kept == {"v1", "v4", "v5", "by-hand"}
    roll_back(by="ops", say=silent)
    assert pointers() == {"v1"}


def test_a_version_that_is_gone_cannot_be_gone_back_to(servers: Servers, make: Make) -> None:
    deploy(make("v1"))
    deploy(make("v2"))
    shutil.rmtree(artifacts.folder_of("v1"))
    with pytest.raises(RollOutError, match=r"v1 is no model artifact|v1/manifest\.json cannot be read"):
        roll_back(by="ops", say=silent)
    assert servers.serves == dict.fromkeys(SLOTS, "v2")


def test_the_default_model_is_a_version_from_the_start() -> None:
    assert ModelVersion.objects.get().version == DEFAULT_VERSION


@pytest.mark.usefixtures("every_process_is_a_command")
def test_an_interrupted_roll_out_is_told_as_such(servers: Servers, make: Make) -> None:
    with pytest.raises(Killed):
        deploy(make("v1"), dying_at("record"))
    row = RollOut.objects.get()
    assert row.told_state == "running"
    row.process = 2**22 + 1  # above the kernel's highest process id
    assert row.told_state.startswith("interrupted; the next deploy_model finishes or undoes it")


def answer(version: str, result: str, code: str = "") -> None:
    Prediction.objects.create(
        image_id="1", client="c", request_id="r", result=result, error_code=code, model_version=version
    )


def test_answers_are_counted_by_version_and_outlive_their_records(servers: Servers, make: Make) -> None:
    from django.core.management import call_command
    from django.utils import timezone

    from Pm.selectors import answer_count

    deploy(make("v1"))
    answer("v1", "online")
    answer("v1", "offline")
    answer("v1", "", "storage_unavailable")
    answer(DEFAULT_VERSION, "online")

    def counts() -> dict[str, int]:
        return dict(ModelVersion.objects.annotate(answers=answer_count()).values_list("version", "answers"))

    assert counts() == {"v1": 2, DEFAULT_VERSION: 1}
    Prediction.objects.update(created_at=timezone.now() - timedelta(days=9))
    call_command("prune_predictions", "--older-than-days", "3", verbosity=0)
    assert not Prediction.objects.exists()
    answer("v1", "online")
    assert counts() == {"v1": 3, DEFAULT_VERSION: 1}


def test_the_version_before_is_kept_also_when_what_is_served_is_rolled_out_again(
    servers: Servers, make: Make, change: Change
) -> None:
    change(model_versions_kept=2)
    deploy(make("v1"))
    deploy(make("v2"))
    servers.refused = {(slot, version) for slot in SLOTS for version in ("v3", "v4")}
    for version in ("v3", "v4"):
        with pytest.raises(RollOutError):
            deploy(make(version))
    deploy(make("v2"))
    assert rollout.previous_artifact() == artifacts.folder_of("v1")
    assert artifacts.folder_of("v1").is_dir()
