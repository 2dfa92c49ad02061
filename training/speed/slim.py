"""Structured pruning: whole channels go, so that every engine has less to do; what is left is trained again."""

import copy
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import torch
import torch_pruning
from torch import nn

from resnet_server.engines.pytorch import UInt8Network, build_backbone
from resnet_server.manifest import Manifest
from training.errors import TrainingError
from training.judging.summary import flops_of
from training.learning.network import head_name
from training.learning.origin import Origin
from training.learning.recipes import Recipe, with_size
from training.serving.convert import trained_network
from training.serving.export import torch_run
from training.speed.timing import interleaved_ms

ROUND_TO = 8  # channels come in multiples of what vector registers hold; more go than asked, but never all of a layer
# Of the channels: a layer whose rounded rest would be none stays whole. From 0.88 on those are ResNets' 64, and less is
# gained than before; the narrow layers of MobileNet stay from 0.5 on, which costs little.
MOST = 0.85
HALVINGS = 7  # of the interval in which the ratio is sought: to less than a hundredth
TRACED = (1, 3, 64, 64)  # the input that dependencies between layers are traced with; its size does not matter


@dataclass(frozen=True)
class Cost:
    """What one picture takes: FLOPs (two a multiply-add), parameters, median milliseconds in PyTorch."""

    flops: int
    parameters: int
    milliseconds: float


@dataclass(frozen=True)
class Slim:
    """A network with fewer channels, ready to be trained on, and what it costs beside the one that it was."""

    source: Manifest
    network: UInt8Network
    ratio: float  # that was asked of each layer
    before: Cost
    after: Cost

    @property
    def removed(self) -> float:
        """The share of the convolutions' channels that is gone, 0 to 1: rounding takes some more than the ratio."""
        whole = build_backbone(self.source.architecture)
        return 1 - channels(self.network.backbone) / channels(whole)

    def training(self, recipe: Recipe) -> tuple[Recipe, Origin]:
        """The recipe at the artifact's size and architecture, and what it begins with."""
        sized = with_size(recipe, self.source.height, self.source.width)
        weights = f"{self.source.version} without {self.ratio:.4f} of its channels"
        recipe = replace(sized, architecture=self.source.architecture, weights=weights, freeze=False)
        return recipe, Origin(self.source.version, self.source.document["name"], network=self.network)


def channels(backbone: nn.Module) -> int:
    """What all convolutions put out together."""
    return sum(layer.out_channels for layer in backbone.modules() if isinstance(layer, nn.Conv2d))


def slimmed(network: UInt8Network, ratio: float) -> UInt8Network:
    """A copy without the share `ratio` of each layer's channels: those of least norm, coupled layers together.

    By DepGraph (Fang et al. 2023, torch-pruning). The same share everywhere: ranked over all layers, magnitudes would
    empty the widest ones first, which take the least time.
    """
    smaller = copy.deepcopy(network).eval()
    head = smaller.backbone.get_submodule(head_name(smaller.backbone))
    torch_pruning.pruner.BasePruner(
        smaller.backbone,
        torch.zeros(TRACED),
        importance=torch_pruning.importance.GroupMagnitudeImportance(p=2),
        pruning_ratio=ratio,
        ignored_layers=[head],
        round_to=ROUND_TO,
    ).step()
    return smaller


def ratio_for(speed_up: float, gain: Callable[[float], float]) -> float:
    """The least ratio whose gain, the FLOPs before by those after, is `speed_up`.

    Raises: TrainingError where no ratio gives it.
    """
    if not speed_up > 1:
        raise TrainingError(f"--speed-up {speed_up:g} is none; give how many times less work it shall be, e.g. 2.")
    low, high = 0.0, MOST
    if (most := gain(MOST)) < speed_up:
        raise TrainingError(f"Without {MOST:.0%} of its channels the network does {most:.1f} times less; ask for less.")
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        low, high = (low, middle) if gain(middle) >= speed_up else (middle, high)
    return high


def slim_artifact(source: Path, *, ratio: float | None, speed_up: float | None) -> Slim:
    """The network of a .pth artifact without `ratio` of its channels, or without as many as `speed_up` takes.

    Raises: TrainingError when the source holds no .pth, or the numbers cannot be had.
    """
    manifest, network = trained_network(source, "pruned")
    height, width = manifest.height, manifest.width
    flops = flops_of(network.backbone, height, width)
    if speed_up is not None:
        ratio = ratio_for(speed_up, lambda share: flops / flops_of(slimmed(network, share).backbone, height, width))
    if ratio is None or not 0 < ratio <= MOST:
        raise TrainingError(f"--ratio {ratio} is no share of the channels; give a number above 0, up to {MOST}.")
    smaller = slimmed(network, ratio)
    times = interleaved_ms([torch_run(network), torch_run(smaller)], height, width)
    before, after = (
        Cost(flops_of(each.backbone, height, width), sum(one.numel() for one in each.parameters()), milliseconds)
        for each, milliseconds in zip((network, smaller), times, strict=True)
    )
    return Slim(manifest, smaller, ratio, before, after)
