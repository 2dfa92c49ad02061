"""Goes on from what is served: reads a network's weights back from the ONNX that export and quantize wrote."""

from pathlib import Path

import numpy as np
import numpy.typing as npt
import onnx
import torch
from onnx import numpy_helper
from torch import Tensor, nn

from resnet_server.engines.pytorch import UInt8Network, build_backbone
from training.errors import TrainingError
from training.photos.data import Images

# Of a batch norm's num_batches_tracked: export folds batch norms into convolutions, so that their statistics are gone.
UNKNOWN = -1
SETTLED_ON = 64  # pictures: each channel's mean and variance over their pixels
BATCH = 16

Graph = dict[str, onnx.NodeProto | onnx.TensorProto]  # what makes each value, by the value's name


def weights_of_onnx(path: Path, architecture: str) -> dict[str, Tensor]:
    """The state dictionary that makes `architecture` answer as the file does; int8 weights become floats again.

    Batch norms add the biases and do nothing else; `settle` gives them statistics before anything is trained.
    Raises: TrainingError when the file is damaged or holds no such layers; another network's weights will not fit.
    """
    try:
        graph = onnx.load(path).graph
    except OSError as exc:
        raise TrainingError(f"{path} cannot be read: {exc.strerror or exc}.") from exc
    except Exception as exc:  # protobuf's own
        raise TrainingError(f"{path} is no valid ONNX graph; export it again.") from exc
    made: Graph = {held.name: held for held in graph.initializer}
    made |= {name: node for node in graph.node for name in node.output}
    norms = batch_norms(build_backbone(architecture))
    state: dict[str, Tensor] = {}
    for node in graph.node:
        if node.op_type not in ("Conv", "Gemm") or len(node.input) < 3:  # another tool may leave out biases
            continue
        layer = layer_of(node)
        weight, bias = (torch.tensor(value_of(name, made)) for name in node.input[1:3])
        state[f"{layer}.weight"] = weight
        if layer in norms:
            name, norm = norms[layer]
            state[f"{name}.weight"], state[f"{name}.bias"] = torch.ones_like(bias), bias
            state[f"{name}.running_mean"] = torch.zeros_like(bias)
            state[f"{name}.running_var"] = torch.full_like(bias, 1 - norm.eps)
            state[f"{name}.num_batches_tracked"] = torch.tensor(UNKNOWN)
        else:
            state[f"{layer}.bias"] = bias
    if not any(weight.ndim == 4 for weight in state.values()):
        raise TrainingError(f"{path} is no network of convolutions that export or quantize (not --dynamic) wrote.")
    return state


def layer_of(node: onnx.NodeProto) -> str:
    """The module that a node was exported from.

    /backbone/layer1/layer1.0/conv1/Conv is layer1.0.conv1: each part of a path may repeat the one before it.
    """
    parts: list[str] = []
    for part in node.name.split("/")[2:-1]:
        if parts and part.startswith(f"{parts[-1]}."):
            parts.pop()
        parts.append(part)
    return ".".join(parts)


def value_of(name: str, made: Graph) -> npt.NDArray[np.float32]:
    """A constant of the graph as float32; of a quantised one what DequantizeLinear makes of it.

    Raises: TrainingError where it is worked out from the input.
    """
    maker = made.get(name)
    if isinstance(maker, onnx.TensorProto):
        return numpy_helper.to_array(maker).astype(np.float32)
    if maker is not None and maker.op_type == "Identity":  # equal constants are kept once
        return value_of(maker.input[0], made)
    if maker is None or maker.op_type != "DequantizeLinear":
        raise TrainingError(f"{name} is no constant of the ONNX graph; give what export or quantize wrote.")
    quantised, scale, *zero = (value_of(each, made) for each in maker.input)
    axis = next((given.i for given in maker.attribute if given.name == "axis"), 1)
    shape = [-1 if each == axis else 1 for each in range(quantised.ndim)] if scale.ndim else []
    offset = zero[0].reshape(shape) if zero else 0
    dequantised: npt.NDArray[np.float32] = (quantised - offset) * scale.reshape(shape)
    return dequantised


def batch_norms(backbone: nn.Module) -> dict[str, tuple[str, nn.BatchNorm2d]]:
    """By the name of each convolution, the batch norm that takes its output: found by one forward pass."""
    names = {module: name for name, module in backbone.named_modules()}
    made_by: dict[int, tuple[nn.Module, Tensor]] = {}  # the tensor is kept, so that no other one gets its id
    found: dict[str, tuple[str, nn.BatchNorm2d]] = {}

    def made(module: nn.Module, _inputs: tuple[Tensor, ...], output: Tensor) -> None:
        made_by[id(output)] = module, output

    def taken(module: nn.Module, inputs: tuple[Tensor, ...]) -> None:
        if id(inputs[0]) in made_by and isinstance(module, nn.BatchNorm2d):
            found[names[made_by[id(inputs[0])][0]]] = names[module], module

    for module in names:
        if isinstance(module, nn.Conv2d):
            module.register_forward_hook(made)
        if isinstance(module, nn.BatchNorm2d):
            module.register_forward_pre_hook(taken)
    with torch.no_grad():
        backbone.eval()(torch.zeros(1, 3, 64, 64))
    return found


def is_unsettled(network: nn.Module) -> bool:
    """Whether it was read from ONNX and no statistics are known."""
    norms = [module for module in network.modules() if isinstance(module, nn.BatchNorm2d)]
    return any(norm.num_batches_tracked == UNKNOWN for norm in norms)


@torch.no_grad()
def settle(network: UInt8Network, images: Images) -> None:
    """Give batch norms the statistics of `images`, uint8 (N, H, W, 3), and weights with which it answers as before.

    Training then begins where the network is: with statistics of nothing, its first step would undo what it learned.
    """
    norms = [module for module in network.modules() if isinstance(module, nn.BatchNorm2d)]
    moments: dict[nn.Module, list[tuple[Tensor, Tensor]]] = {norm: [] for norm in norms}

    def seen(module: nn.Module, inputs: tuple[Tensor, ...]) -> None:
        variance, mean = torch.var_mean(inputs[0], (0, 2, 3), correction=0)
        moments[module].append((mean, variance))

    hooks = [norm.register_forward_pre_hook(seen) for norm in norms]
    network.eval()
    for start in range(0, len(images), BATCH):
        network(torch.from_numpy(images[start : start + BATCH]).to(network.mean.device))
    for hook in hooks:
        hook.remove()
    for norm in norms:
        means, variances = (torch.stack(each) for each in zip(*moments[norm], strict=True))
        mean, variance = means.mean(0), variances.mean(0) + means.var(0, correction=0)
        scale = norm.weight / torch.sqrt(running(norm.running_var) + norm.eps)
        norm.bias.add_(scale * (mean - running(norm.running_mean)))
        norm.weight.copy_(scale * torch.sqrt(variance + norm.eps))
        running(norm.running_mean).copy_(mean)
        running(norm.running_var).copy_(variance)
        running(norm.num_batches_tracked).zero_()


def running(buffer: Tensor | None) -> Tensor:
    """A batch norm's buffer, which torchvision's all have."""
    if buffer is None:
        raise TypeError("a batch norm without running statistics")
    return buffer
