"""What export and quantize wrote can be trained on: it answers as before, and the first step does not undo it."""

import copy
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from resnet_server.engines.pytorch import UInt8Network
from tests.training.noise import HEIGHT, WIDTH
from training.errors import TrainingError
from training.learning.fit import fit
from training.learning.network import build_network, load_trained
from training.learning.recipes import chosen
from training.learning.restore import batch_norms, is_unsettled, settle
from training.learning.sources import Parts
from training.photos.data import load
from training.serving.export import export, onnxruntime_run, torch_run
from training.serving.quantize import quantize


@pytest.fixture(scope="module")
def used(network: UInt8Network, golden_batch: np.ndarray) -> UInt8Network:
    """The network with batch norms that have seen something, as after training."""
    network = copy.deepcopy(network)
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            nn.init.uniform_(module.weight, 0.5, 1.5)
            nn.init.normal_(module.bias)
    network.train()(torch.from_numpy(golden_batch))
    return network.eval()


@pytest.mark.parametrize("architecture", ["resnet18", "resnet50", "mobilenet_v2"])
def test_an_exported_network_read_back_answers_alike(
    architecture: str, tmp_path: Path, golden_batch: np.ndarray
) -> None:
    network = build_network(architecture, "none", 0.5).eval()
    export(network, tmp_path / "model.onnx", HEIGHT, WIDTH)
    restored = load_trained(tmp_path / "model.onnx", architecture)
    np.testing.assert_allclose(torch_run(restored)(golden_batch), torch_run(network)(golden_batch), atol=1e-4)


def test_of_int8_weights_the_floats_they_stand_for_are_taken(int8_onnx: Path, golden_batch: np.ndarray) -> None:
    restored = torch_run(load_trained(int8_onnx, "resnet18"))(golden_batch)
    np.testing.assert_allclose(
        restored, onnxruntime_run(int8_onnx)(golden_batch), atol=0.1
    )  # activations were int8 too


def test_settled_statistics_change_no_answer_and_training_begins_where_it_was(
    used: UInt8Network, tmp_path: Path, golden_batch: np.ndarray
) -> None:
    export(used, tmp_path / "model.onnx", HEIGHT, WIDTH)
    network = load_trained(tmp_path / "model.onnx", "resnet18")
    before, pictures = torch_run(network)(golden_batch), torch.from_numpy(golden_batch)
    assert is_unsettled(network)
    undone = copy.deepcopy(network).train()(pictures).detach().numpy()
    settle(network, golden_batch)
    assert not is_unsettled(network)
    np.testing.assert_allclose(torch_run(network)(golden_batch), before, atol=1e-4)
    np.testing.assert_allclose(network.train()(pictures).detach().numpy(), before, atol=0.01)
    assert np.abs(undone - before).max() > 0.1  # which is why


def test_a_run_that_begins_with_an_artifact_begins_with_what_it_knows(
    exported: Path, folder: Path, tmp_path: Path, golden_batch: np.ndarray
) -> None:
    recipe = chosen(
        "documented", epochs=1, height=HEIGHT, width=WIDTH, batch=16, weights=str(exported), learning_rate=0.0
    )
    pictures = load(folder, *recipe.canvas, tmp_path / "cache")
    network = fit(Parts(pictures, np.arange(len(pictures.samples)), None), recipe, tmp_path / "run", seed=0)
    assert network is not None
    weight = "backbone.layer3.1.conv2.weight"
    begun = load_trained(exported / "model.onnx", "resnet18")
    assert torch.equal(network.get_parameter(weight), begun.get_parameter(weight))
    assert not is_unsettled(network)


def test_each_convolution_of_a_resnet_is_followed_by_its_batch_norm() -> None:
    pairs = {name: norm for name, (norm, _) in batch_norms(build_network("resnet18", "none").backbone).items()}
    assert len(pairs) == 20
    assert pairs["conv1"] == "bn1"
    assert pairs["layer2.0.conv2"] == "layer2.0.bn2"
    assert pairs["layer2.0.downsample.0"] == "layer2.0.downsample.1"


def test_what_cannot_be_read_back_is_refused_in_a_sentence(exported: Path, tmp_path: Path) -> None:
    quantize(exported / "model.onnx", tmp_path / "dynamic.onnx", None)
    (tmp_path / "half.onnx").write_bytes((exported / "model.onnx").read_bytes()[:1000])
    for name, architecture, sentence in (
        ("dynamic.onnx", "resnet18", r"dynamic\.onnx is no network of convolutions that export or quantize"),
        ("half.onnx", "resnet18", r"half\.onnx is no valid ONNX graph; export it again\.$"),
        ("none.onnx", "resnet18", r"none\.onnx cannot be read: No such file or directory\.$"),
        (exported / "model.onnx", "resnet50", r"holds weights of another network than resnet50"),
    ):
        with pytest.raises(TrainingError, match=sentence):
            build_network(architecture, str(tmp_path / name))
