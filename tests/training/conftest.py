"""A folder of pictures, and one trained, exported and quantized network for the tests that need any."""

import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from resnet_server.engines.pytorch import UInt8Network
from tests.training.noise import HEIGHT, WIDTH, write_pictures
from training.__main__ import main
from training.learning.network import build_network
from training.serving.artifact import Facts, golden_views, read_artifact, write_artifact
from training.serving.convert import export_artifact
from training.serving.quantize import quantize

# Two threads that wait for each other take minutes, not seconds, on cores that other tests use too.
torch.set_num_threads(1)

FACTS = Facts("tiny", "resnet18", HEIGHT, WIDTH, seed=7, data_sha256="d" * 64)


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """32 pictures, 4 groups that each hold both classes, and a manifest.csv."""
    return write_pictures(tmp_path_factory.mktemp("pictures"), 16)


@pytest.fixture(scope="session")
def divided(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """As `split` writes it: train/ and val/ of 32 pictures each."""
    root = tmp_path_factory.mktemp("divided")
    for number, part in enumerate(("train", "val")):
        write_pictures(root / part, 16, first=100 * number)
    return root


@pytest.fixture(scope="session")
def network() -> UInt8Network:
    """Random weights whose last layer leans to online."""
    torch.manual_seed(0)
    model = build_network("resnet18", "none")
    with torch.no_grad():
        model.backbone.fc.bias.copy_(torch.tensor([-3.0, 3.0]))  # type: ignore[union-attr,operator]
    return model.eval()


@pytest.fixture(scope="session")
def weights(network: UInt8Network, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The network as the documents save one: a state dictionary."""
    path = tmp_path_factory.mktemp("weights") / "18_model_ft_params.pth"
    torch.save(network.backbone.state_dict(), path)
    return path


@pytest.fixture(scope="session")
def trained(weights: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The artifact that `train` ends with."""
    out = tmp_path_factory.mktemp("trained")
    write_artifact(out, weights, FACTS)
    return out


@pytest.fixture(scope="session")
def exported(trained: Path, folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The artifact that `export` makes of it."""
    out = tmp_path_factory.mktemp("exported") / "artifact"
    export_artifact(trained, out, folder, out.parent / "cache")
    return out


@pytest.fixture(scope="session")
def golden_batch(trained: Path) -> np.ndarray:
    """Seven pictures at the served size: uint8 (7, HEIGHT, WIDTH, 3)."""
    return golden_views(read_artifact(trained))


@pytest.fixture(scope="session")
def int8_onnx(exported: Path, golden_batch: np.ndarray, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The network as `quantize` writes it."""
    path = tmp_path_factory.mktemp("int8") / "model.onnx"
    quantize(exported / "model.onnx", path, golden_batch)
    return path


@pytest.fixture
def end(monkeypatch: pytest.MonkeyPatch) -> Callable[..., object]:
    """Runs one step in this process, since torch takes seconds to load, and returns its exit status or what it says."""

    def end(*arguments: object) -> object:
        monkeypatch.setattr(sys, "argv", ["training", *map(str, arguments)])
        with pytest.raises(SystemExit) as ended:
            main()
        return ended.value.code

    return end
