"""The artifact: valid, whole, and refused where a server would refuse it."""

import io
from pathlib import Path

import pytest
from PIL import Image

from resnet_server.manifest import file_sha256, load_manifest
from training.errors import TrainingError
from training.golden import SIZE, draw_golden
from training.package import package, verify

METRICS = {"temperature": 1.5, "measured_on": "nothing: a test"}


@pytest.fixture(scope="module")
def artifact(int8_onnx: Path, checkpoint: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("artifact")
    package(int8_onnx, checkpoint, METRICS, folder, "tiny", "make it")
    return folder


def test_the_manifest_is_valid_and_says_what_made_it(artifact: Path) -> None:
    manifest = load_manifest(artifact)
    made_by = manifest.document["made_by"]
    assert (made_by["command"], made_by["seed"], made_by["data_sha256"]) == ("make it", 7, "d" * 64)
    assert (manifest.temperature, manifest.labels) == (1.5, ("offline", "online"))
    assert manifest.document["metrics"] == {"measured_on": "nothing: a test"}


def test_the_version_is_the_name_and_the_hash_of_the_weights(artifact: Path) -> None:
    manifest = load_manifest(artifact)
    sha256 = file_sha256(artifact / "model.onnx")
    assert manifest.document["weights"]["sha256"] == sha256
    assert manifest.version == f"tiny-{sha256[:8]}"


def test_the_artifact_fits_twelve_megabytes(artifact: Path) -> None:
    assert sum(file.stat().st_size for file in artifact.iterdir()) <= 12_000_000


def test_float_weights_are_refused_for_their_size(float_onnx: Path, checkpoint: Path, tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match=r"has \d+ bytes; at most 12000000 are accepted\.$"):
        package(float_onnx, checkpoint, METRICS, tmp_path, "tiny", "make it")


def test_a_changed_manifest_is_refused(artifact: Path, tmp_path: Path) -> None:
    for file in artifact.iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    text = (tmp_path / "manifest.json").read_text(encoding="utf-8")
    manifest = load_manifest(artifact)
    changed = text.replace(str(manifest.golden_logits[1]), str(manifest.golden_logits[1] + 1))
    (tmp_path / "manifest.json").write_text(changed, encoding="utf-8")
    with pytest.raises(TrainingError, match=r"^The golden picture's logits are off by 1\.0"):
        verify(tmp_path)


def test_the_golden_picture_is_small_and_drawn_alike_each_time() -> None:
    drawn = draw_golden()
    assert drawn == draw_golden()
    assert len(drawn) < 60_000
    assert Image.open(io.BytesIO(drawn)).size == SIZE
