"""The off-line check of an artifact: one JSON object, and whatever is wrong is a reason."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import onnx
import pytest
from onnx import TensorProto, helper

from tests.pictures import encode, noise, screen
from tests.tiny_model import graph, sha256, write_artifact

ROOT = Path(__file__).resolve().parents[2]
Check = Callable[..., tuple[int, dict[str, Any]]]


@pytest.fixture
def check(tmp_path: Path) -> Check:
    """Runs the check as a roll-out does; gives the exit status and the JSON."""

    def run(artifact: Path, *options: str, **env: str) -> tuple[int, dict[str, Any]]:
        command = [sys.executable, "-m", "resnet_server.check", str(artifact), *options]
        environment = {"PATH": os.environ["PATH"], "PM_ENV_FILE": os.devnull, **env}
        done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
        assert "Traceback" not in done.stderr
        return done.returncode, json.loads(done.stdout)

    return run


@pytest.fixture
def canary_set(tmp_path: Path) -> Path:
    """Two bright pictures and two black ones, one of which lies among the online ones: 1.0 and 2 of 3."""
    white, black = encode(screen(64, 36)), encode(noise(8, 8).point(lambda _: 0))
    for name, data in {
        "offline/1.png": black,
        "online/1.png": white,
        "online/2.png": white,
        "online/3.png": black,
    }.items():
        path = tmp_path / "canary" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    return tmp_path / "canary"


def test_a_good_artifact_is_named(check: Check, artifact: Path) -> None:
    weights = sha256(artifact / "model.onnx")
    assert check(artifact) == (0, {"version": "tiny-1", "weights_sha256": weights, "pinned": ""})


def test_the_canary_set_is_measured_by_class(check: Check, artifact: Path, canary_set: Path) -> None:
    (canary_set / "online/.DS_Store").write_bytes(b"no picture")
    (canary_set / "online/of a campus").mkdir()
    (canary_set / "online/3.png").rename(canary_set / "online/of a campus/3.png")
    code, facts = check(artifact, "--canary-set", str(canary_set), "--min-accuracy", "0.83")
    assert (code, facts["pictures"]) == (0, 4)
    assert facts["accuracy"] == {"offline": 1, "online": pytest.approx(2 / 3), "mean": pytest.approx(5 / 6)}


def test_a_model_that_is_worse_than_asked_for_is_refused(check: Check, artifact: Path, canary_set: Path) -> None:
    code, facts = check(artifact, "--canary-set", str(canary_set), "--min-accuracy", "0.84")
    assert code == 1
    assert facts["reason"] == (
        f"tiny-1 is right on 0.8333 of {canary_set} (the mean of both classes); 0.84 was asked for."
    )


def test_a_canary_set_that_cannot_be_used_is_told(check: Check, artifact: Path, canary_set: Path) -> None:
    (canary_set / "online/0.png").write_text("no picture")
    assert (
        "online/0.png of the canary set cannot be answered"
        in check(artifact, "--canary-set", str(canary_set))[1]["reason"]
    )
    (canary_set / "offline/1.png").unlink()
    assert "offline holds no pictures" in check(artifact, "--canary-set", str(canary_set))[1]["reason"]


def truncated(folder: Path) -> None:
    write_artifact(folder)
    (folder / "model.onnx").write_bytes((folder / "model.onnx").read_bytes()[:100])


def truncated_before_it_was_hashed(folder: Path) -> None:
    write_artifact(folder)
    truncated(folder)
    write_artifact_around(folder)


def write_artifact_around(folder: Path) -> None:
    """Make the manifest fit whatever the weights are."""
    document = json.loads((folder / "manifest.json").read_text())
    document["weights"]["sha256"] = sha256(folder / "model.onnx")
    (folder / "manifest.json").write_text(json.dumps(document))


def of_other_input(folder: Path) -> None:
    """The graph wants 40 x 32, the manifest says 48 x 32."""
    write_artifact(folder)
    document = json.loads((folder / "manifest.json").read_text())
    document["input"]["height"] = 48
    (folder / "manifest.json").write_text(json.dumps(document))


def of_three_classes(folder: Path) -> None:
    write_artifact(folder)
    node = helper.make_node("Concat", ["logits", "logits"], ["twice"], axis=1)
    model = graph()
    model.graph.node.append(node)
    model.graph.output[0].CopyFrom(helper.make_tensor_value_info("twice", TensorProto.FLOAT, ["batch", 4]))
    onnx.save(model, folder / "model.onnx")
    write_artifact_around(folder)


BAD: dict[str, tuple[Callable[[Path], object], str]] = {
    "truncated": (truncated, "model.onnx is damaged: its sha256 is"),
    "unreadable": (truncated_before_it_was_hashed, "The openvino engine cannot load"),
    "wrong sha256": (
        lambda folder: write_artifact(folder, weights={"file": "model.onnx", "sha256": "0" * 64}),
        "is damaged: its sha256 is",
    ),
    "wrong labels": (
        lambda folder: write_artifact(folder, labels=["online", "offline"]),
        "not a valid manifest: labels",
    ),
    "other input": (of_other_input, "does not answer its golden image"),
    "other output": (of_three_classes, "answers its golden image with"),
    "NaN": (lambda folder: write_artifact(folder, answers_nan=True), "answers its golden image with [[nan, nan]]"),
    "absent": (lambda folder: folder, "manifest.json cannot be read"),
}


@pytest.mark.parametrize("name", BAD)
def test_a_bad_artifact_is_refused_with_its_reason(check: Check, tmp_path: Path, name: str) -> None:
    make, reason = BAD[name]
    make(tmp_path / "bad")
    code, facts = check(tmp_path / "bad")
    assert code == 1
    assert reason in facts["reason"]


def test_torch_weights_without_torch_say_what_to_install(check: Check, tmp_path: Path) -> None:
    (tmp_path / "without/torch").mkdir(parents=True)
    (tmp_path / "without/torch/__init__.py").write_text("raise ImportError('no torch here')")
    folder = write_artifact(tmp_path / "pth")
    (folder / "model.onnx").rename(folder / "model.pth")
    weights = {"file": "model.pth", "sha256": sha256(folder / "model.pth")}
    document = json.loads((folder / "manifest.json").read_text())
    (folder / "manifest.json").write_text(json.dumps(document | {"weights": weights}))
    code, facts = check(folder, PYTHONPATH=str(tmp_path / "without"))
    assert (code, facts["reason"]) == (
        1,
        "The pytorch engine is not installed: run pip install -r requirements/training.txt.",
    )


def test_nan_for_one_kind_of_picture_only_is_found(
    artifact: Path, settings: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    import numpy as np

    from resnet_server import check as module
    from resnet_server.errors import ArtifactError
    from resnet_server.predictor import Predictor

    model = Predictor.model

    def nan_for_white(self: Predictor, batch: Any, ms: dict[str, float], *, alone: bool = True) -> Any:
        return np.full((1, 2), np.nan) if batch.min() == 255 else model(self, batch, ms, alone=alone)

    monkeypatch.setattr(Predictor, "model", nan_for_white)
    with pytest.raises(ArtifactError, match=r"tiny-1 on a picture of white: The model answered \[\[nan, nan\]\]"):
        module.check(settings, None, None)  # type: ignore[arg-type]


def test_a_setting_that_overrides_every_pointer_is_told(check: Check, artifact: Path) -> None:
    assert check(artifact, MODEL_ARTIFACT="elsewhere")[1]["pinned"] == "elsewhere"


def test_wrong_settings_are_a_reason_too(check: Check, artifact: Path) -> None:
    assert "MODEL_ENGINE" in check(artifact, MODEL_ENGINE="magic")[1]["reason"]
