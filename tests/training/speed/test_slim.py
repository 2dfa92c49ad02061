"""Structured pruning: channels go, the FLOPs with them, and what is left is an ordinary artifact."""

import copy
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from resnet_server.engines.pytorch import UInt8Network
from resnet_server.manifest import file_sha256, load_manifest
from tests.training.noise import HEIGHT, WIDTH
from training.errors import TrainingError
from training.judging.summary import flops_of, summary_text
from training.learning.network import build_network, load_trained, slimmed
from training.learning.origin import Teacher
from training.learning.recipes import DOCUMENTED
from training.serving.export import torch_run
from training.speed.slim import MOST, ratio_for, slim_artifact


@pytest.mark.parametrize("architecture", ["resnet18", "mobilenet_v2"])
def test_fewer_channels_are_fewer_flops_and_two_outputs_stay(architecture: str, tmp_path: Path) -> None:
    network = build_network(architecture, "none").eval()
    smaller = slimmed(network, 0.5)
    before, after = (flops_of(each.backbone, 64, 64) for each in (network, smaller))
    assert before / after > 3
    widths = [layer.out_channels for layer in smaller.backbone.modules() if isinstance(layer, torch.nn.Conv2d)]
    assert all(width % 8 == 0 for width in widths)
    pictures = np.random.default_rng(0).integers(0, 256, (2, 64, 64, 3), dtype=np.uint8)
    torch.save(smaller.backbone.state_dict(), tmp_path / "slim.pth")
    read = load_trained(tmp_path / "slim.pth", architecture)  # which knows the architecture's widths alone
    assert np.array_equal(torch_run(read)(pictures), torch_run(smaller)(pictures))
    assert torch_run(read)(pictures).shape == (2, 2)


@pytest.mark.parametrize("architecture", ["resnet18", "mobilenet_v2"])
def test_more_channels_gone_are_fewer_flops_up_to_the_most(architecture: str) -> None:
    network = build_network(architecture, "none").eval()
    flops = [flops_of(slimmed(network, ratio).backbone, 64, 64) for ratio in (0.2, 0.5, 0.7, MOST)]
    assert flops == sorted(flops, reverse=True)
    assert len(set(flops)) == 4


def test_the_channels_of_least_norm_go(network: UInt8Network) -> None:
    changed = copy.deepcopy(network)
    with torch.no_grad():
        changed.backbone.get_parameter("layer1.0.conv1.weight")[:8] *= 1e-3
    kept = slimmed(changed, 8 / 64).backbone.get_parameter("layer1.0.conv1.weight")
    assert kept.shape[0] == 56
    assert kept.flatten(1).norm(dim=1).min() > 0.1


def test_the_ratio_is_the_least_that_gives_the_speed_up() -> None:
    ratio = ratio_for(4, lambda share: 1 / (1 - share) ** 2)
    assert 0.5 <= ratio < 0.51


@pytest.mark.parametrize(
    ("speed_up", "sentence"),
    [(1, r"^--speed-up 1 is none; "), (float("nan"), r"is none"), (500, r"^Without 85% .* does 44\.4 times less, and")],
)
def test_a_speed_up_that_cannot_be_had_is_refused(speed_up: float, sentence: str) -> None:
    with pytest.raises(TrainingError, match=sentence):
        ratio_for(speed_up, lambda share: 1 / (1 - share) ** 2)


def test_a_layer_of_few_channels_that_comes_back_whole_ends_the_search_nowhere() -> None:
    """Of a pruned network, above 0.8 less is gained than below: 40 channels round to none, and stay."""

    def gain(share: float) -> float:
        return 1 / (1 - share) ** 2 if share < 0.8 else 3.2

    assert 0.5 <= ratio_for(4, gain) < 0.51
    with pytest.raises(TrainingError, match=r"^Without 75% of its channels the network does 16\.0 times less, and"):
        ratio_for(17, gain)


def test_layers_that_keep_all_their_channels_are_counted(trained: Path) -> None:
    narrow = slim_artifact(trained, ratio=0.3, speed_up=None)
    assert narrow.stayed == 0
    few = replace(narrow, whole=narrow.network, network=slimmed(narrow.network, 0.85))  # of 48, 8 or all are left
    assert few.stayed > 0


def test_the_costs_before_and_after_are_told(trained: Path) -> None:
    slim = slim_artifact(trained, ratio=None, speed_up=2)
    assert 2 <= slim.before.flops / slim.after.flops < 2.5
    assert slim.ratio <= slim.removed < slim.ratio + 0.15
    assert slim.before.parameters == 11_177_538 > slim.after.parameters
    recipe, origin = slim.training(DOCUMENTED, temperature=2.0, alpha=1.0)
    assert (recipe.height, recipe.width, recipe.architecture) == (HEIGHT, WIDTH, "resnet18")
    assert origin.parent == load_manifest(trained).version
    assert f"{slim.ratio:.4f}" in recipe.weights  # a run with another ratio is not resumed


def test_what_is_removed_is_told_of_the_source_not_of_its_architecture(trained: Path) -> None:
    slim = slim_artifact(trained, ratio=0.5, speed_up=None)
    again = replace(slim, whole=slim.network, network=slimmed(slim.network, 0.25))
    assert slim.removed == pytest.approx(0.5, abs=0.02)
    assert again.removed == pytest.approx(0.25, abs=0.06)  # in eights


def test_what_is_left_learns_from_the_whole_unless_its_answers_weigh_nothing(trained: Path) -> None:
    slim = slim_artifact(trained, ratio=0.5, speed_up=None)
    _, origin = slim.training(DOCUMENTED, temperature=3.0, alpha=0.25)
    assert origin.network is slim.network
    assert origin.teacher == Teacher(slim.whole, temperature=3.0, alpha=0.25)
    assert flops_of(slim.whole.backbone, HEIGHT, WIDTH) == slim.before.flops
    assert slim.training(DOCUMENTED, temperature=3.0, alpha=0)[1].teacher is None
    with pytest.raises(TrainingError, match=r"^--alpha -1 weighs nothing; .* or 0 for the labels alone\.$"):
        slim.training(DOCUMENTED, temperature=3.0, alpha=-1)


@pytest.mark.parametrize("ratio", [0, MOST + 0.01, float("nan"), None])
def test_a_ratio_that_is_none_is_refused(ratio: float | None, trained: Path) -> None:
    with pytest.raises(TrainingError, match=r"is no share of the channels; give a number above 0, up to 0\.85\.$"):
        slim_artifact(trained, ratio=ratio, speed_up=None)


def test_a_slim_artifact_is_summed_up_as_it_is(trained: Path, tmp_path: Path) -> None:
    network = slim_artifact(trained, ratio=0.5, speed_up=None).network
    for file in ("manifest.json", "golden.png"):
        (tmp_path / file).write_bytes((trained / file).read_bytes())
    torch.save(network.backbone.state_dict(), tmp_path / "model.pth")
    text = (trained / "manifest.json").read_text(encoding="utf-8")
    changed = text.replace(file_sha256(trained / "model.pth"), file_sha256(tmp_path / "model.pth"))
    (tmp_path / "manifest.json").write_text(changed, encoding="utf-8")
    total = sum(each.numel() for each in network.parameters())
    assert f"Total params: {total:,}\n" in summary_text(str(tmp_path), 64, 64)
