"""Artifact to artifact: what a server would load, what is refused, and where each came from."""

import json
from pathlib import Path

import numpy as np
import onnx
import pytest

from resnet_server.engines import load_engine
from resnet_server.manifest import load_manifest
from tests.training.conftest import FACTS
from tests.training.noise import HEIGHT, WIDTH
from training.errors import TrainingError
from training.serving.artifact import verify
from training.serving.convert import export_artifact, package, quantize_artifact

BARE = {"like": None, "metrics": None, "name": None, "architecture": "resnet18", "height": HEIGHT, "width": WIDTH}


def test_the_documents_weights_file_becomes_a_folder_that_the_documented_engine_serves(
    weights: Path, golden_batch: np.ndarray, tmp_path: Path
) -> None:
    manifest = package(weights, tmp_path / "artifact", **BARE)  # type: ignore[arg-type]
    answer = load_engine("pytorch", load_manifest(tmp_path / "artifact"), 1).infer(golden_batch[:1])
    assert answer[0] == pytest.approx(manifest.golden_logits, abs=1e-3)
    assert manifest.version == f"class-photos-{manifest.document['weights']['sha256'][:8]}"


def test_an_export_knows_its_parent(trained: Path, exported: Path) -> None:
    parent, child = load_manifest(trained), load_manifest(exported)
    assert child.document["made_by"]["parent"] == parent.version
    assert child.document["made_by"]["seed"] == FACTS.seed
    assert child.weights.name == "model.onnx"


def test_every_engine_answers_an_export_as_pytorch_answers_its_parent(
    trained: Path, exported: Path, golden_batch: np.ndarray
) -> None:
    expected = load_engine("pytorch", load_manifest(trained), 1).infer(golden_batch)
    for name in ("onnxruntime", "openvino"):
        assert load_engine(name, load_manifest(exported), 1).infer(golden_batch) == pytest.approx(expected, abs=1e-3)


def test_a_smaller_input_is_averaged_in_every_engine_alike(
    weights: Path, golden_batch: np.ndarray, tmp_path: Path
) -> None:
    package(weights, tmp_path / "half", **BARE)  # type: ignore[arg-type]
    path = tmp_path / "half" / "manifest.json"
    document = json.loads(path.read_text(encoding="utf-8"))
    document["input"]["downscale"] = 2
    path.write_text(json.dumps(document), encoding="utf-8")
    exported = tmp_path / "onnx"
    export_artifact(tmp_path / "half", exported)
    expected = load_engine("pytorch", load_manifest(tmp_path / "half"), 1).infer(golden_batch)
    assert load_engine("onnxruntime", load_manifest(exported), 1).infer(golden_batch) == pytest.approx(
        expected, abs=1e-3
    )
    assert load_manifest(exported).downscale == 2


def test_quantizing_keeps_the_parent_and_the_accuracy(exported: Path, folder: Path, tmp_path: Path) -> None:
    drop = quantize_artifact(exported, folder, tmp_path / "int8", max_drop=1.0, cache=tmp_path / "cache")
    manifest = load_manifest(tmp_path / "int8")
    assert manifest.document["made_by"]["parent"] == load_manifest(exported).version
    assert -1 <= drop <= 1
    kinds = {node.op_type for node in onnx.load(str(manifest.weights)).graph.node}
    assert "QuantizeLinear" in kinds


def test_metrics_and_a_name_go_into_the_manifest(exported: Path, tmp_path: Path) -> None:
    measured = {"measured_on": "a test", "temperature": 0.7, "mean_accuracy": 0.9}
    changes = BARE | {"metrics": measured, "name": "named"}
    manifest = package(exported, tmp_path / "artifact", **changes)  # type: ignore[arg-type]
    assert manifest.temperature == 0.7
    assert manifest.document["metrics"] == {"measured_on": "a test", "mean_accuracy": 0.9}
    assert manifest.version.startswith("named-")
    assert manifest.document["made_by"]["parent"] == load_manifest(exported).document["made_by"]["parent"]


def test_verify_names_each_check(exported: Path) -> None:
    lines = list(verify(exported))
    assert lines[0] == "manifest valid, sha256 of model.onnx and golden.png as it says"
    assert lines[1] == "loaded by onnxruntime, openvino"
    assert lines[-1].startswith("batches of 1, 2, 7 are answered alike")


def spoil(artifact: Path, target: Path, **changes: object) -> Path:
    target.mkdir()
    for file in artifact.iterdir():
        (target / file.name).write_bytes(file.read_bytes())
    document = json.loads((target / "manifest.json").read_text(encoding="utf-8"))
    (target / "manifest.json").write_text(json.dumps(document | changes), encoding="utf-8")
    return target


def test_verify_refuses_other_golden_logits(exported: Path, tmp_path: Path) -> None:
    golden = load_manifest(exported).document["golden"] | {"logits": [50.0, -50.0]}
    spoiled = spoil(exported, tmp_path / "spoiled", golden=golden)
    with pytest.raises(TrainingError, match=r"^onnxruntime answers the golden picture with .* package it again\.$"):
        list(verify(spoiled))


def test_verify_refuses_damaged_weights(exported: Path, tmp_path: Path) -> None:
    spoiled = spoil(exported, tmp_path / "spoiled")
    (spoiled / "model.onnx").write_bytes(b"half")
    with pytest.raises(TrainingError, match=r"model\.onnx is damaged: its sha256 is"):
        list(verify(spoiled))


@pytest.mark.parametrize(
    ("name", "content", "sentence"),
    [
        ("model.onnx", None, r"is not there; give an artifact, a \.onnx file or a \.pth state dictionary\.$"),
        ("model.h5", b"keras", r"is neither \.onnx nor \.pth; those are what the engines run\.$"),
        ("model.onnx", b"no graph", r"engine cannot load"),
        ("model.pth", b"no zip", r"is damaged or no PyTorch state dictionary; export it again\.$"),
    ],
)
def test_weights_that_do_not_run_are_refused(name: str, content: bytes | None, sentence: str, tmp_path: Path) -> None:
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(TrainingError, match=sentence):
        package(tmp_path / name, tmp_path / "artifact", **BARE)  # type: ignore[arg-type]


def test_an_onnx_artifact_cannot_be_exported_again(exported: Path, tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match=r"holds model\.onnx; only what train wrote \(\.pth\) can be exported\.$"):
        export_artifact(exported, tmp_path / "again")


def test_a_pth_artifact_is_exported_before_it_is_quantized(trained: Path, folder: Path, tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match=r"holds model\.pth; export it first: python -m training export\.$"):
        quantize_artifact(trained, folder, tmp_path / "int8", max_drop=1, cache=tmp_path)


def test_nothing_is_written_over(trained: Path, exported: Path) -> None:
    with pytest.raises(TrainingError, match=r"exists already; name another folder, or remove it first\.$"):
        export_artifact(trained, exported)
