"""A folder of pictures, and one trained, exported and quantised network for the tests that need any."""

import csv
from pathlib import Path

import numpy as np
import pytest
import torch

from resnet_server.engines.pytorch import UInt8Network
from tests.training.noise import picture
from training.data import LABELS
from training.export import export
from training.golden import draw_golden
from training.network import build_network, served_network
from training.package import golden_views
from training.quantise import quantise
from training.train import PREVIEW, SERVED_HEIGHT, SERVED_WIDTH, save_checkpoint

# Two threads that wait for each other take minutes, not seconds, on cores that other tests use too.
torch.set_num_threads(1)

GROUPS = ("north", "south", "east", "west")


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """32 pictures, 4 groups that each hold both classes, and a manifest.csv."""
    root = tmp_path_factory.mktemp("pictures")
    rows = []
    for label, name in enumerate(LABELS):
        (root / name).mkdir()
        for index in range(16):
            file = f"{index:02}.png"
            picture(label, index).save(root / name / file)
            rows.append({"cls": name, "file": file, "repo": GROUPS[index % 4]})
    with (root / "manifest.csv").open("w", encoding="utf-8", newline="") as manifest:
        writer = csv.DictWriter(manifest, rows[0])
        writer.writeheader()
        writer.writerows(rows)
    return root


@pytest.fixture(scope="session")
def network() -> UInt8Network:
    """As trained: random weights whose last layer leans to online, so that its golden picture passes."""
    torch.manual_seed(0)
    model = build_network()
    with torch.no_grad():
        model.backbone.fc.bias.copy_(torch.tensor([-3.0, 3.0]))  # type: ignore[union-attr,operator]
    return model


@pytest.fixture(scope="session")
def checkpoint(network: UInt8Network, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The network as `train` saves it."""
    path = tmp_path_factory.mktemp("checkpoint") / "model.pt"
    save_checkpoint(path, network, PREVIEW, 7, "d" * 64)
    return path


@pytest.fixture(scope="session")
def float_onnx(network: UInt8Network, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The network as `export` writes it."""
    path = tmp_path_factory.mktemp("float") / "model.onnx"
    export(served_network(network), path, SERVED_HEIGHT, SERVED_WIDTH)
    return path


@pytest.fixture(scope="session")
def golden_batch() -> np.ndarray:
    """Seven pictures at the served size: uint8 (7, 700, 500, 3)."""
    return golden_views(draw_golden())


@pytest.fixture(scope="session")
def int8_onnx(float_onnx: Path, golden_batch: np.ndarray, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The network as `quantise` writes it."""
    path = tmp_path_factory.mktemp("int8") / "model.onnx"
    quantise(float_onnx, path, golden_batch)
    return path
