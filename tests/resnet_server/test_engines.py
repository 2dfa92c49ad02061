"""The three engines answer alike, and say what is missing when they cannot."""

import contextlib
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
import torch

from resnet_server.engines import load_engine
from resnet_server.engines.onnxruntime import chosen_providers
from resnet_server.engines.pytorch import build_backbone
from resnet_server.errors import ArtifactError
from resnet_server.manifest import load_manifest
from resnet_server.predictor import check_golden, load_predictor
from resnet_server.settings import ModelSettings
from tests.pictures import encode, noise, screen
from tests.tiny_model import HEIGHT, WIDTH, brightness_logits, sha256, write_artifact


@pytest.mark.parametrize("engine", ["openvino", "onnxruntime", "auto"])
@pytest.mark.parametrize("batch", [1, 2, 7])
@pytest.mark.parametrize("alone", [True, False])
def test_an_onnx_engine_answers_the_networks_logits(artifact: Path, engine: str, batch: int, alone: bool) -> None:
    loaded = load_engine(engine, load_manifest(artifact), threads=2)
    colours = [(10 * i, 200 - 20 * i, 30) for i in range(batch)]
    pictures = np.stack([np.full((HEIGHT, WIDTH, 3), colour, dtype=np.uint8) for colour in colours])
    logits = loaded.infer(pictures, alone=alone)
    assert logits.dtype == np.float32
    assert np.allclose(logits, [brightness_logits(colour) for colour in colours], atol=0.02)


def write_pth_artifact(folder: Path) -> Path:
    """A ResNet-18 with random weights as the documented .pth; its golden logits are filled in by the caller."""
    torch.manual_seed(0)
    write_artifact(folder)
    torch.save(build_backbone("resnet18").state_dict(), folder / "model.pth")
    weights = {"file": "model.pth", "sha256": sha256(folder / "model.pth")}
    return write_artifact(folder, weights=weights)


def test_the_pytorch_engine_serves_a_documented_state_dictionary(tmp_path: Path) -> None:
    manifest = load_manifest(write_pth_artifact(tmp_path / "pth"))
    engine = load_engine("auto", manifest, threads=1)
    batch = np.zeros((2, HEIGHT, WIDTH, 3), dtype=np.uint8)
    backbone = build_backbone("resnet18").eval()
    backbone.load_state_dict(torch.load(manifest.weights, weights_only=True))
    with torch.inference_mode():
        black = (torch.zeros(2, 3, HEIGHT, WIDTH) - 0.5) / 0.25
        expected = backbone(black).numpy()
    assert np.allclose(engine.infer(batch), expected, atol=1e-4)


def test_an_engine_that_is_not_installed_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    manifest = load_manifest(write_pth_artifact(tmp_path / "pth"))
    monkeypatch.delitem(sys.modules, "resnet_server.engines.pytorch")
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(
        ArtifactError, match=r"pytorch engine is not installed: run pip install -r requirements/training"
    ):
        load_engine("pytorch", manifest, threads=1)


@pytest.mark.parametrize("engine", ["openvino", "onnxruntime"])
def test_an_engine_refuses_weights_of_another_kind(tmp_path: Path, engine: str) -> None:
    manifest = load_manifest(write_pth_artifact(tmp_path / "pth"))
    with pytest.raises(ArtifactError, match=rf"The {engine} engine runs \.onnx weights"):
        load_engine(engine, manifest, threads=1)


@pytest.mark.parametrize("engine", ["openvino", "onnxruntime"])
def test_weights_that_do_not_parse_are_refused(artifact: Path, engine: str) -> None:
    manifest = load_manifest(artifact)
    manifest.weights.write_bytes(b"not a graph")
    with pytest.raises(ArtifactError, match=rf"The {engine} engine cannot load"):
        load_engine(engine, manifest, threads=1)


@pytest.mark.parametrize("engine", ["openvino", "onnxruntime"])
def test_a_model_that_answers_nan_is_not_served(settings: ModelSettings, tmp_path: Path, engine: str) -> None:
    nan = write_artifact(tmp_path / "nan", answers_nan=True)
    with pytest.raises(ArtifactError, match="answers its golden image with"):
        load_predictor(replace(settings, artifact=nan, engine=engine))


def test_a_model_of_another_input_size_is_not_served(settings: ModelSettings, tmp_path: Path) -> None:
    size = {"height": 64, "width": 64, "pixel_format": "RGB", "mean": [0.5] * 3, "std": [0.2] * 3}
    other = write_artifact(tmp_path / "other", input=size)
    with pytest.raises(ArtifactError, match="does not answer its golden image"):
        load_predictor(replace(settings, artifact=other))


def test_a_model_that_answers_its_golden_image_otherwise_is_not_served(settings: ModelSettings) -> None:
    predictor = load_predictor(settings)
    predictor.manifest = replace(predictor.manifest, golden_logits=(9.0, -9.0))
    with pytest.raises(ArtifactError, match=r"its manifest says \[\[9.0, -9.0\]\] within 0.01"):
        check_golden(predictor)


def test_predict_gives_label_probability_header_and_stage_times(settings: ModelSettings) -> None:
    predictor = load_predictor(settings)
    ms: dict[str, float] = {}
    prediction = predictor.predict(encode(screen(64, 36), "BMP"), ms)
    assert (prediction.result, prediction.label) == (1, "online")
    assert 0.5 < prediction.score < 1
    assert (prediction.image.format, prediction.image.width, prediction.image.height) == ("BMP", 64, 36)
    assert set(ms) == {"preprocess", "inference"}


def test_the_temperature_softens_the_score_and_keeps_the_label(settings: ModelSettings, tmp_path: Path) -> None:
    data = encode(noise())
    sharp = load_predictor(settings).predict(data, {})
    soft_artifact = write_artifact(tmp_path / "soft", temperature=10.0)
    soft = load_predictor(replace(settings, artifact=soft_artifact)).predict(data, {})
    assert soft.label == sharp.label
    sharp_odds, soft_odds = (each.score / (1 - each.score) for each in (sharp, soft))
    assert soft_odds == pytest.approx(sharp_odds**0.1, rel=1e-5)


def test_a_picture_takes_every_core_only_where_it_is_alone_once_it_is_decoded(settings: ModelSettings) -> None:
    predictor, told = load_predictor(settings), []
    engine = predictor._engine

    class Watched:
        def infer(self, batch: np.ndarray, *, alone: bool = True) -> np.ndarray:
            told.append(alone)
            return engine.infer(batch, alone=alone)

    predictor._engine = Watched()
    data, ms = encode(screen(), "PNG"), dict[str, float]()
    predictor.predict(data, {})
    predictor.predict(data, {}, is_alone=lambda: False)
    predictor.predict(data, ms, is_alone=lambda: "preprocess" in ms)
    assert told == [True, False, True]


@pytest.mark.parametrize("provider", ["cuda", "tensorrt"])
def test_a_provider_that_this_build_does_not_have_is_named(
    provider: str, artifact: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("onnxruntime.get_available_providers", lambda: ["CPUExecutionProvider"])
    with pytest.raises(ArtifactError, match=rf"^The onnxruntime:{provider} engine .* install onnxruntime-gpu in its"):
        load_engine(f"onnxruntime:{provider}", load_manifest(artifact), threads=1)


def test_tensorrt_which_takes_minutes_is_taken_only_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    present = ["TensorrtExecutionProvider", "CUDAExecutionProvider", "CPUExecutionProvider"]
    monkeypatch.setattr("onnxruntime.get_available_providers", lambda: present)
    assert chosen_providers("") == present[1:]
    assert chosen_providers("tensorrt") == [present[0], present[2]]


def test_a_provider_that_falls_back_to_the_cpu_is_not_taken(artifact: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    both = ["CUDAExecutionProvider", "CPUExecutionProvider"]
    monkeypatch.setattr("onnxruntime.get_available_providers", lambda: both)
    opened = onnxruntime.InferenceSession
    monkeypatch.setattr(
        "onnxruntime.InferenceSession", lambda file, options, providers: opened(file, options, providers[1:])
    )
    with pytest.raises(ArtifactError, match=r"CUDAExecutionProvider does not start: its libraries, its driver or the"):
        load_engine("onnxruntime:cuda", load_manifest(artifact), threads=1)


@pytest.mark.parametrize(("provider", "times"), [("cuda", 1), ("cpu", 0)])
def test_cudas_libraries_are_loaded_from_where_pip_puts_them(
    provider: str, times: int, artifact: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "onnxruntime.get_available_providers", lambda: ["CUDAExecutionProvider", "CPUExecutionProvider"]
    )
    calls: list[bool] = []
    monkeypatch.setattr("onnxruntime.preload_dlls", lambda: calls.append(True))
    opened = onnxruntime.InferenceSession
    monkeypatch.setattr(
        "onnxruntime.InferenceSession", lambda file, options, providers: opened(file, options, providers[-1:])
    )
    with contextlib.suppress(ArtifactError):  # there is no GPU here
        load_engine(f"onnxruntime:{provider}", load_manifest(artifact), threads=1)
    assert len(calls) == times


def test_the_cpus_provider_can_be_named(artifact: Path) -> None:
    pictures = np.full((1, HEIGHT, WIDTH, 3), 200, dtype=np.uint8)
    logits = load_engine("onnxruntime:cpu", load_manifest(artifact), threads=1).infer(pictures)
    assert np.allclose(logits, [brightness_logits((200, 200, 200))], atol=0.02)


def test_the_documented_engine_serves_a_network_with_fewer_channels(tmp_path: Path) -> None:
    artifact = write_pth_artifact(tmp_path)
    state = build_backbone("resnet18").state_dict()
    for name in ("conv1.weight", "bn1.weight", "bn1.bias", "bn1.running_mean", "bn1.running_var"):
        state[f"layer1.0.{name}"] = state[f"layer1.0.{name}"][:24]
    state["layer1.0.conv2.weight"] = state["layer1.0.conv2.weight"][:, :24]
    torch.save(state, artifact / "model.pth")
    write_artifact(artifact, weights={"file": "model.pth", "sha256": sha256(artifact / "model.pth")})
    pictures = np.zeros((2, 64, 64, 3), dtype=np.uint8)
    assert load_engine("pytorch", load_manifest(artifact), threads=1).infer(pictures).shape == (2, 2)


def test_weights_of_another_kernel_or_another_number_of_classes_do_not_load(tmp_path: Path) -> None:
    for name, shape in {"conv1.weight": (64, 3, 3, 3), "fc.weight": (5, 512)}.items():
        artifact = write_pth_artifact(tmp_path / name)
        state = build_backbone("resnet18").state_dict() | {name: torch.zeros(shape)}
        torch.save(state, artifact / "model.pth")
        write_artifact(artifact, weights={"file": "model.pth", "sha256": sha256(artifact / "model.pth")})
        with pytest.raises(ArtifactError, match=rf"size mismatch for {name}"):
            load_engine("pytorch", load_manifest(artifact), threads=1)
