"""The documented pruning: which layers, which weights, and what the artifact says of itself."""

import re
from pathlib import Path

import pytest
import torch

from resnet_server.engines.pytorch import build_backbone
from resnet_server.manifest import load_manifest
from training.errors import TrainingError
from training.learning.network import load_trained
from training.serving.convert import export_artifact
from training.speed.sparsify import documented_layers, sparsify, sparsify_artifact, zeros_measured

# The documents' parameters_to_prune, in their order.
DOCUMENTED = {
    *("conv1", "bn1"),
    *(f"layer1.{block}.{layer}{number}" for block in (0, 1) for layer in ("conv", "bn") for number in (1, 2)),
    *(f"layer2.{block}.{layer}{number}" for block in (0, 1) for layer in ("conv", "bn") for number in (1, 2)),
    *(f"layer3.{block}.{layer}{number}" for block in (0, 1) for layer in ("conv", "bn") for number in (1, 2)),
    *(f"layer4.{block}.conv{number}" for block in (0, 1) for number in (1, 2)),
}


def test_the_layers_are_the_documented_thirty() -> None:
    assert len(DOCUMENTED) == 30
    assert set(documented_layers(build_backbone("resnet18"))) == DOCUMENTED


def test_the_smallest_weights_of_all_layers_together_become_zero() -> None:
    torch.manual_seed(0)
    backbone = build_backbone("resnet18").to(memory_format=torch.channels_last)
    before = {name: value.clone() for name, value in backbone.state_dict().items()}
    rows = sparsify(backbone, 0.45)
    pruned = {f"{name}.weight" for name in DOCUMENTED}
    after = backbone.state_dict()
    assert set(after) == set(before)  # no masks stay behind
    assert all(torch.equal(after[name], before[name]) for name in set(before) - pruned)
    gone = torch.cat([before[name][after[name] == 0].abs() for name in pruned])
    kept = torch.cat([after[name][after[name] != 0].abs() for name in pruned])
    assert gone.max() <= kept.min()
    assert sum(row.zeros for row in rows) / sum(row.weights for row in rows) == pytest.approx(0.45, abs=1e-6)
    assert {row.layer: row.zeros for row in rows} == {
        name: int((after[f"{name}.weight"] == 0).sum()) for name in DOCUMENTED
    }


def test_the_artifact_holds_the_zeros_and_claims_no_accuracy(trained: Path, folder: Path, tmp_path: Path) -> None:
    found = sparsify_artifact(trained, tmp_path / "sparse", amount=0.45, data=folder, cache=tmp_path / "cache")
    manifest = load_manifest(tmp_path / "sparse")
    weight = load_trained(manifest.weights, "resnet18").backbone.get_parameter("layer4.1.conv2.weight")
    row = next(each for each in found.layers if each.layer == "layer4.1.conv2")
    assert int((weight == 0).sum()) == row.zeros > 0.3 * row.weights
    assert found.whole.share == pytest.approx(0.45, abs=1e-6)
    assert manifest.document["made_by"]["parent"] == load_manifest(trained).version
    assert manifest.document["metrics"] == {"measured_on": "nothing: pruned, and not evaluated yet"}
    assert found.change is not None
    assert min(found.time.before_ms, found.time.after_ms) > 0


@pytest.mark.parametrize("amount", [0, 1, -0.5, float("nan")])
def test_an_amount_that_is_no_share_is_refused(amount: float, trained: Path, tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match=r"is no share of the weights; give a number between 0 and 1\.$"):
        sparsify_artifact(trained, tmp_path / "sparse", amount=amount, data=None, cache=tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_verify_measures_what_zeros_save(trained: Path, exported: Path, folder: Path, tmp_path: Path) -> None:
    sparsify_artifact(trained, tmp_path / "sparse", amount=0.45, data=None, cache=tmp_path / "cache")
    export_artifact(tmp_path / "sparse", tmp_path / "float", folder, tmp_path / "cache")
    time = r"\d+\.\d ms in {}, and \d+\.\d ms with numbers in their place, the difference lies between .* ms \(95 %\).*"
    for name, engines in {"sparse": ["PyTorch"], "float": ["ONNX Runtime", "OpenVINO"]}.items():
        times = "; ".join(time.format(engine) for engine in engines)
        said = zeros_measured(tmp_path / name)
        assert said
        zeros = r"4[45]\.\d% of its weights are zeros"
        assert re.fullmatch(f"{zeros}: a picture takes, by turns and on 1 thread, {times}", said)
    assert zeros_measured(trained) is None
    assert zeros_measured(exported) is None
