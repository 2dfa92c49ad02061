"""An artifact is what its manifest says, or it is refused."""

import json
from pathlib import Path
from typing import Any

import pytest

from resnet_server import settings
from resnet_server.errors import ArtifactError
from resnet_server.manifest import load_manifest
from tests.tiny_model import write_artifact


def test_a_whole_artifact_is_read(artifact: Path) -> None:
    manifest = load_manifest(artifact)
    assert (manifest.version, manifest.labels, manifest.height, manifest.width, manifest.temperature) == (
        "tiny-1",
        ("offline", "online"),
        40,
        32,
        1.0,
    )


@pytest.mark.parametrize("name", ["model.onnx", "golden.png"])
def test_a_changed_file_is_refused(artifact: Path, name: str) -> None:
    with (artifact / name).open("ab") as file:
        file.write(b"\0")
    with pytest.raises(ArtifactError, match=rf"{name} is damaged: its sha256 is"):
        load_manifest(artifact)


@pytest.mark.parametrize("name", ["manifest.json", "model.onnx", "golden.png"])
def test_a_missing_file_is_refused(artifact: Path, name: str) -> None:
    (artifact / name).unlink()
    with pytest.raises(ArtifactError, match=rf"{name} cannot be read"):
        load_manifest(artifact)


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"labels": ["online", "offline"]}, "labels: "),
        ({"version": "../../etc"}, "version: "),
        ({"temperature": 0}, "temperature: "),
        ({"weights": {"file": "../model.onnx", "sha256": "0" * 64}}, "weights.file: "),
        ({"schema_version": 2}, "schema_version: "),
        ({"metrics": {"measured_on": "x", "mean_accuracy": 1.7}}, "metrics.mean_accuracy: "),
    ],
)
def test_a_manifest_against_the_schema_is_refused(tmp_path: Path, changes: dict[str, Any], complaint: str) -> None:
    with pytest.raises(ArtifactError, match=f"is not a valid manifest: {complaint}"):
        load_manifest(write_artifact(tmp_path / "bad", **changes))


@pytest.mark.parametrize("text", ["", "{", "[]", '"x"', "\x00"])
def test_a_manifest_that_is_no_object_is_refused(artifact: Path, text: str) -> None:
    (artifact / "manifest.json").write_text(text)
    with pytest.raises(ArtifactError):
        load_manifest(artifact)


def test_unknown_fields_are_ignored(artifact: Path) -> None:
    document = json.loads((artifact / "manifest.json").read_text())
    (artifact / "manifest.json").write_text(json.dumps(document | {"colour": "green"}))
    assert load_manifest(artifact).version == "tiny-1"


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity"])
def test_what_is_no_number_is_refused(artifact: Path, number: str) -> None:
    path = artifact / "manifest.json"
    document = json.loads(path.read_text())
    path.write_text(json.dumps(document | {"temperature": "X"}).replace('"X"', number))
    with pytest.raises(ArtifactError, match=r"manifest\.json cannot be read"):
        load_manifest(artifact)


def test_a_pointer_to_nothing_is_not_the_default_model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settings, "ROOT", tmp_path)
    assert settings.slot_artifact("resnet_server1") == settings.DEFAULT_ARTIFACT
    (tmp_path / "var/models").mkdir(parents=True)
    (tmp_path / "var/models/resnet_server1").symlink_to("misspelt")
    with pytest.raises(ArtifactError, match=r"misspelt/manifest\.json cannot be read"):
        load_manifest(settings.slot_artifact("resnet_server1"))
