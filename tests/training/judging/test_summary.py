"""The documented figures, and what an artifact adds to them."""

import shutil
from pathlib import Path

import pytest

from tests.tiny_model import write_artifact
from training.errors import TrainingError
from training.judging.summary import Layer, summarize, summary_text
from training.learning.network import ARCHITECTURES

DEFAULT_MODEL = Path(__file__).resolve().parents[3] / "resnet_server" / "default_model"


def test_the_documented_frozen_resnet18_is_printed_to_the_last_figure() -> None:
    lines = summary_text("resnet18", None, None, freeze=True).splitlines()
    assert lines[2].split() == ["Conv2d-1", "[-1,", "64,", "112,", "112]", "9,408", "118,013,952"]
    assert lines[69].split() == ["Linear-68", "[-1,", "2]", "1,026", "1,026"]
    assert "Total params: 11,177,538" in lines
    assert "Trainable params: 1,026" in lines
    assert "Non-trainable params: 11,176,512" in lines
    assert lines[-4:] == [
        "Input size (MB): 0.57",
        "Forward/backward pass size (MB): 62.79",
        "Params size (MB): 42.64",
        "Estimated Total Size (MB): 106.00",
    ]


def test_the_documented_memory_at_700_x_500_is_printed() -> None:
    lines = summary_text("resnet18", 700, 500).splitlines()
    assert "Trainable params: 11,177,538" in lines
    assert lines[-4:] == [
        "Input size (MB): 4.01",
        "Forward/backward pass size (MB): 441.02",
        "Params size (MB): 42.64",
        "Estimated Total Size (MB): 487.66",
    ]


def test_mobilenets_first_convolution_costs_what_is_documented() -> None:
    first = summarize("mobilenet_v2", 224, 224).layers[0]
    assert first == Layer("Conv2d-1", (32, 112, 112), 864, 10_838_016)


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_torchs_flop_counter_and_torchinfo_agree(architecture: str) -> None:
    found = summarize(architecture, 64, 64)
    assert found.flops == pytest.approx(2 * found.mult_adds, rel=0.02)  # batch norms and biases are the rest


def test_an_artifact_is_summed_up_at_its_own_size_with_what_its_file_holds(tmp_path: Path) -> None:
    text = summary_text(str(write_artifact(tmp_path / "model")), None, None)
    assert text.startswith("resnet18, the architecture of tiny-1, at 40 x 32\n")
    assert "[-1, 64, 20, 16]" in text
    assert "Operators: 3 (1 Cast, 1 ReduceMean, 1 Gemm)\n" in text
    assert "Numbers held: 10 (" in text
    assert text.endswith("Multiply-adds of its convolutions and matrix products: 6")


def test_a_file_is_as_large_as_the_model_card_says() -> None:
    text = summary_text(str(DEFAULT_MODEL), None, None)
    assert "\nmodel.onnx, the file that is served: 6.0 MB\n" in text


def test_weights_of_another_network_are_not_summed_up_as_what_the_manifest_says(trained: Path, tmp_path: Path) -> None:
    shutil.copytree(trained, tmp_path / "model")
    manifest = tmp_path / "model" / "manifest.json"
    manifest.write_text(manifest.read_text(encoding="utf-8").replace('"resnet18"', '"resnet50"'), encoding="utf-8")
    with pytest.raises(TrainingError, match="give the right --architecture"):
        summary_text(str(tmp_path / "model"), None, None)


def test_a_name_that_is_neither_is_refused() -> None:
    with pytest.raises(TrainingError, match="vgg16 is neither an artifact folder nor an architecture; choose one of"):
        summary_text("vgg16", None, None)
