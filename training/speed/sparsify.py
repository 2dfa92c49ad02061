"""The documented pruning: the smallest 45 % of the weights become zero. Dense engines multiply zeros as well."""

import copy
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import onnx
import torch
from torch import nn
from torch.nn.utils import prune

from training.errors import TrainingError
from training.judging.answers import answers_of
from training.judging.forward import predict
from training.judging.judged import say_skipped
from training.judging.paired import Change
from training.photos.data import load
from training.photos.folders import check_empty, scratch
from training.photos.parts import part_or_whole
from training.serving.artifact import facts_of_child, read_artifact, write_artifact
from training.serving.convert import network_of
from training.serving.export import Run, onnxruntime_run, openvino_run, torch_run
from training.speed.timing import Difference, difference
from training.threads import on_threads

FEW = 0.01  # training leaves some weights at zero by itself


@dataclass(frozen=True)
class Zeros:
    """How many of a layer's weights are zero."""

    layer: str
    zeros: int
    weights: int

    @property
    def share(self) -> float:
        """0 to 1."""
        return self.zeros / self.weights


@dataclass(frozen=True)
class Sparsified:
    """What the pruning did, to one picture's time in PyTorch, too."""

    layers: tuple[Zeros, ...]
    time: Difference
    change: Change | None  # of the accuracy; None without data

    @property
    def whole(self) -> Zeros:
        """All pruned layers together."""
        return Zeros("all", sum(each.zeros for each in self.layers), sum(each.weights for each in self.layers))


def documented_layers(backbone: nn.Module) -> dict[str, nn.Module]:
    """The documents' list: convolutions and batch norms, but no shortcut's and not the batch norms of layer4."""
    return {
        name: layer
        for name, layer in backbone.named_modules()
        if (isinstance(layer, nn.Conv2d) or (isinstance(layer, nn.BatchNorm2d) and not name.startswith("layer4")))
        and "downsample" not in name
    }


def sparsify(backbone: nn.Module, amount: float) -> tuple[Zeros, ...]:
    """Zero the share `amount` of the listed layers' weights, the smallest by absolute value over all of them."""
    backbone.to(memory_format=torch.contiguous_format)  # torch's prune strings the weights together by view()
    layers = documented_layers(backbone)
    weights = [(layer, "weight") for layer in layers.values()]
    prune.global_unstructured(weights, pruning_method=prune.L1Unstructured, amount=amount)
    for layer, name in weights:
        prune.remove(layer, name)  # type: ignore[no-untyped-call]
    backbone.to(memory_format=torch.channels_last)  # as build_network leaves it, which convolutions are faster in
    held = {name: layer.get_parameter("weight") for name, layer in layers.items()}
    return tuple(Zeros(name, int((weight == 0).sum()), weight.numel()) for name, weight in held.items())


def sparsify_artifact(source: Path, target: Path, *, amount: float, data: Path | None, cache: Path) -> Sparsified:
    """A .pth artifact with the share `amount` of its weights zeroed; its accuracy on `data` (val of a split) if given.

    Raises: TrainingError when the weights cannot be read or `amount` is no share; nothing is at `target` then.
    """
    if not 0 < amount < 1:
        raise TrainingError(f"--amount {amount:g} is no share of the weights; give a number between 0 and 1.")
    check_empty(target)
    manifest, network = network_of(source)
    dense = copy.deepcopy(network)
    pictures = None
    if data is not None:  # first: what is wrong with them is said before the pruning
        pictures = load(part_or_whole(data, "val"), manifest.height, manifest.width, cache)
        say_skipped(pictures.skipped)
    layers = sparsify(network.backbone, amount)
    time = difference(torch_run(dense), torch_run(network), manifest.height, manifest.width)
    change = None
    if pictures is not None:
        before, after = (answers_of(pictures.samples, predict(each, pictures.images)) for each in (dense, network))
        change = Change.between(before, after)
    facts = replace(facts_of_child(manifest), metrics={"measured_on": "nothing: pruned, and not evaluated yet"})
    with scratch() as folder:
        weights = folder / "model.pth"
        torch.save(network.backbone.state_dict(), weights)
        write_artifact(target, weights, facts)
    return Sparsified(layers, time, change)


def zeros_measured(source: Path) -> str | None:
    """What the zeros in an artifact's weights save: one picture with them, and with other numbers in their place.

    None where there are next to no zeros; in int8, where rounding makes some of any network, they are not counted.
    Raises: TrainingError when the weights cannot be read.
    """
    manifest = read_artifact(source)
    with scratch() as folder:
        share, engines = (torch_filled if manifest.weights.suffix == ".pth" else onnx_filled)(source, folder)
        if share < FEW:
            return None
        times = {name: difference(*runs, manifest.height, manifest.width) for name, runs in engines.items()}
    measured = "; ".join(
        f"{time.after_ms:.1f} ms in {name}, and {time.before_ms:.1f} ms with numbers in their place, {time.words()}"
        for name, time in times.items()
    )
    return f"{share:.1%} of its weights are zeros: a picture takes, by turns and {on_threads()}, {measured}"


# The share of zeros; by engine, how it runs with other numbers in their place, and as it is.
Filled = tuple[float, dict[str, tuple[Run, Run]]]


def torch_filled(source: Path, _folder: Path) -> Filled:
    """A .pth artifact, and the same without zeros."""
    _, network = network_of(source)
    dense = copy.deepcopy(network)
    weights = [parameter for parameter in dense.parameters() if parameter.dim() > 1]
    zeros, count = sum(int((weight == 0).sum()) for weight in weights), sum(weight.numel() for weight in weights)
    with torch.no_grad():
        for weight in weights:
            weight[weight == 0] = weight.abs().mean()
    return zeros / count, {"PyTorch": (torch_run(dense), torch_run(network))}


def onnx_filled(source: Path, folder: Path) -> Filled:
    """An ONNX artifact, and the same without zeros, which is written into `folder`."""
    weights = read_artifact(source).weights
    model = onnx.load(str(weights))
    zeros = count = 0
    for tensor in model.graph.initializer:
        if tensor.data_type != onnx.TensorProto.FLOAT or len(tensor.dims) < 2:
            continue
        values = onnx.numpy_helper.to_array(tensor).copy()
        zeros, count = zeros + int((values == 0).sum()), count + values.size
        values[values == 0] = np.abs(values).mean()
        tensor.CopyFrom(onnx.numpy_helper.from_array(values, tensor.name))
    if zeros < FEW * count or not count:
        return 0.0, {}
    filled = folder / "filled.onnx"
    onnx.save(model, str(filled))
    runs = {"ONNX Runtime": onnxruntime_run, "OpenVINO": openvino_run}
    return zeros / count, {name: (run(filled), run(weights)) for name, run in runs.items()}
