"""Structured pruning: whole channels go, so that every engine has less to do; what is left learns from the whole."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from torch import nn

from resnet_server.engines.pytorch import UInt8Network
from resnet_server.manifest import Manifest, file_sha256
from training.errors import TrainingError
from training.judging.summary import flops_of
from training.learning.network import load_trained, slimmed
from training.learning.origin import Origin, Teacher, teacher_of
from training.learning.recipes import Recipe, with_size
from training.serving.convert import network_of
from training.serving.export import torch_run
from training.speed.timing import interleaved_ms

# Of the channels: a layer whose rounded rest would be none stays whole. Of ResNets' 64 that is so from 0.88 on, of a
# pruned one's 40 from 0.8 on, and then less is gained than before; so the gain is looked at step by step.
MOST = 0.85
STEP = 0.05
HALVINGS = 4  # of a step: to less than a hundredth


@dataclass(frozen=True)
class Cost:
    """What one picture takes: FLOPs (two a multiply-add) and parameters."""

    flops: int
    parameters: int


def cost_of(network: UInt8Network, height: int, width: int) -> Cost:
    """Of one picture of height x width pixels."""
    return Cost(flops_of(network.backbone, height, width), sum(each.numel() for each in network.parameters()))


@dataclass(frozen=True)
class Slim:
    """A network with fewer channels, ready to be trained on, and what it costs beside the one that it was."""

    source: Manifest
    whole: UInt8Network
    network: UInt8Network
    ratio: float  # that was asked of each layer
    before: Cost
    after: Cost
    milliseconds: tuple[float, float]  # before and after: the medians of one picture in PyTorch, by turns

    @property
    def removed(self) -> float:
        """The share of the convolutions' channels that is gone, 0 to 1: rounding takes some more than the ratio."""
        return 1 - channels(self.network.backbone) / channels(self.whole.backbone)

    @property
    def stayed(self) -> int:
        """How many convolutions have all their channels still: of theirs, rounded, none would be left."""
        pairs = zip(convolutions(self.whole.backbone), convolutions(self.network.backbone), strict=True)
        return sum(before.out_channels == after.out_channels for before, after in pairs)

    def training(self, recipe: Recipe, *, temperature: float, alpha: float) -> tuple[Recipe, Origin]:
        """The recipe at the artifact's size and architecture, and what it begins with and learns from.

        Raises: TrainingError when the numbers cannot weigh a teacher's answers; see taught_by_whole.
        """
        sized = with_size(recipe, self.source.height, self.source.width)
        weights = f"{self.source.version} without {self.ratio:.4f} of its channels"
        recipe = replace(sized, architecture=self.source.architecture, weights=weights, freeze=False, channels=1.0)
        teacher = taught_by_whole(self.whole, temperature, alpha)
        return recipe, Origin(self.source.version, self.source.document["name"], self.network, teacher)


def channels(backbone: nn.Module) -> int:
    """What all convolutions put out together."""
    return sum(layer.out_channels for layer in convolutions(backbone))


def convolutions(backbone: nn.Module) -> list[nn.Conv2d]:
    """All of them, in the network's order."""
    return [layer for layer in backbone.modules() if isinstance(layer, nn.Conv2d)]


def ratio_for(speed_up: float, gain: Callable[[float], float]) -> float:
    """The least ratio whose gain, the FLOPs before by those after, is `speed_up`.

    Raises: TrainingError where no ratio gives it.
    """
    if not speed_up > 1:
        raise TrainingError(f"--speed-up {speed_up:g} is none; give how many times less work it shall be, e.g. 2.")
    low, gains = 0.0, dict[float, float]()
    for step in range(1, round(MOST / STEP) + 1):
        high = step * STEP
        gains[high] = gain(high)
        if gains[high] >= speed_up:
            break
        low = high
    else:
        best = max(gains, key=lambda share: gains[share])
        raise TrainingError(
            f"Without {best:.0%} of its channels the network does {gains[best]:.1f} times less, and without more of "
            "them no less; ask for less."
        )
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        low, high = (low, middle) if gain(middle) >= speed_up else (middle, high)
    return high


def ratio_of(network: UInt8Network, height: int, width: int, speed_up: float) -> float:
    """The least share of the channels without which `network` takes `speed_up` times fewer FLOPs; see ratio_for."""
    flops = flops_of(network.backbone, height, width)
    return ratio_for(speed_up, lambda share: flops / flops_of(slimmed(network, share).backbone, height, width))


def taught_by_whole(network: UInt8Network, temperature: float, alpha: float) -> Teacher | None:
    """The whole network as the teacher of what is left of it; none where its answers weigh nothing.

    Raises: TrainingError for a temperature or a weight that cannot be one.
    """
    if alpha < 0:
        raise TrainingError(f"--alpha {alpha:g} weighs nothing; give a number above 0, or 0 for the labels alone.")
    return None if alpha == 0 else teacher_of(network, temperature, alpha)


def slim_fold(
    runs: Path, fold: int, recipe: Recipe, *, speed_up: float, temperature: float, alpha: float
) -> tuple[Recipe, Origin]:
    """What a fold goes on from: its network in the cross-validation `runs`, with `speed_up` times fewer FLOPs.

    Raises: TrainingError when that network is missing or of another architecture, or the numbers cannot be had.
    """
    file = runs / f"fold-{fold}" / "model.pth"
    network = load_trained(file, recipe.architecture)
    ratio = ratio_of(network, recipe.height, recipe.width, speed_up)
    weights = f"fold {fold} of {runs.name} ({file_sha256(file)[:8]}) without {ratio:.4f} of its channels"
    teacher = taught_by_whole(network, temperature, alpha)
    origin = Origin(weights, "class-photos", slimmed(network, ratio), teacher)
    return replace(recipe, weights=weights, channels=1.0), origin


def slim_artifact(source: Path, *, ratio: float | None, speed_up: float | None) -> Slim:
    """The network of an artifact without `ratio` of its channels, or without as many as `speed_up` takes.

    Raises: TrainingError when the source's weights cannot be read, or the numbers cannot be had.
    """
    manifest, network = network_of(source)
    height, width = manifest.height, manifest.width
    if speed_up is not None:
        ratio = ratio_of(network, height, width, speed_up)
    if ratio is None or not 0 < ratio <= MOST:
        raise TrainingError(f"--ratio {ratio} is no share of the channels; give a number above 0, up to {MOST}.")
    smaller = slimmed(network, ratio)
    before_ms, after_ms = interleaved_ms([torch_run(network), torch_run(smaller)], height, width)
    before, after = (cost_of(each, height, width) for each in (network, smaller))
    return Slim(manifest, network, smaller, ratio, before, after, (before_ms, after_ms))
