"""What a network consists of and costs: layers, shapes, parameters, multiply-adds, FLOPs and memory, as documented."""

import math
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import onnx
import torch
import torchinfo
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from resnet_server.engines.pytorch import UInt8Network
from resnet_server.manifest import MANIFEST_NAME, Manifest
from training.errors import TrainingError
from training.learning.network import ARCHITECTURES, build_network, freeze_body, load_trained
from training.serving.artifact import read_artifact
from training.serving.export import read_graph

FLOAT_BYTES, MEBIBYTE = 4, 2**20  # the documents call it MB
MEGABYTE = 1_000_000  # of files, as in the model card and in a benchmark
LINE = "=" * 92


@dataclass(frozen=True)
class Layer:
    """One layer or block in the order of the forward pass; a block's parameters are its layers'."""

    name: str
    shape: tuple[int, ...]  # of the output, without the batch
    parameters: int
    mult_adds: int


@dataclass(frozen=True)
class Summary:
    """A network at one input size; `flops` counts each multiply-add twice, of convolutions and linear layers only."""

    layers: tuple[Layer, ...]
    input_shape: tuple[int, int, int]
    trainable: int
    frozen: int
    flops: int

    @property
    def mult_adds(self) -> int:
        """Of all layers; a batch norm's are its parameters, as torchinfo counts."""
        return sum(layer.mult_adds for layer in self.layers)

    @property
    def megabytes(self) -> tuple[float, float, float]:
        """Of the input, of forward and backward pass, of the parameters: float32, as torchsummary 1.5.1 counts.

        Every layer's and block's output is counted twice, once for its gradient.
        """
        outputs = sum(math.prod(layer.shape) for layer in self.layers)
        numbers = (math.prod(self.input_shape), 2 * outputs, self.trainable + self.frozen)
        given, passes, parameters = (count * FLOAT_BYTES / MEBIBYTE for count in numbers)
        return given, passes, parameters


def flops_of(backbone: nn.Module, height: int, width: int) -> int:
    """Of one picture: each multiply-add twice, convolutions and linear layers only, as PyTorch counts."""
    with torch.inference_mode(), FlopCounterMode(display=False) as counter:
        backbone.eval()(torch.zeros(1, 3, height, width))
    total: int = counter.get_total_flops()
    return total


def summarize(
    architecture: str, height: int, width: int, *, freeze: bool = False, network: UInt8Network | None = None
) -> Summary:
    """Run the two-class network, or `network`, once on an empty picture of height x width and note every layer.

    Raises: TrainingError for an unknown architecture or a picture that is too small for it.
    """
    network = network or build_network(architecture, "none")
    if freeze:
        freeze_body(network)
    backbone: nn.Module = network.backbone.eval()
    picture = torch.zeros(1, 3, height, width)
    try:
        found = torchinfo.summary(backbone, input_data=picture, verbose=0, device="cpu")
    except RuntimeError as exc:
        raise TrainingError(f"{height} x {width} is too small for {architecture}; give at least 32 x 32.") from exc
    executed = [each for each in found.summary_list if each.depth and not isinstance(each.module, nn.Sequential)]
    layers = [
        Layer(
            f"{each.class_name}-{number}",
            tuple(each.output_size[1:]),
            each.num_params if each.is_leaf_layer else 0,
            each.macs if each.is_leaf_layer else 0,
        )
        for number, each in enumerate(executed, 1)
    ]
    trainable = sum(each.numel() for each in backbone.parameters() if each.requires_grad)
    total = sum(each.numel() for each in backbone.parameters())
    return Summary(tuple(layers), (3, height, width), trainable, total - trainable, flops_of(backbone, height, width))


def table(summary: Summary) -> str:
    """The documented table with one more column, the multiply-adds."""
    head = f"{'Layer (type)':>28} {'Output shape':>22} {'Param #':>16} {'Multiply-adds':>22}"
    rows = [
        f"{layer.name:>28} {[-1, *layer.shape]!s:>22} {layer.parameters:>16,} {layer.mult_adds:>22,}"
        for layer in summary.layers
    ]
    given, passes, parameters = summary.megabytes
    totals = [
        f"Total params: {summary.trainable + summary.frozen:,}",
        f"Trainable params: {summary.trainable:,}",
        f"Non-trainable params: {summary.frozen:,}",
        f"Total multiply-adds: {summary.mult_adds:,}",
        f"Total FLOPs: {summary.flops:,} (two a multiply-add; convolutions and linear layers only)",
    ]
    memory = [
        f"Input size (MB): {given:.2f}",
        f"Forward/backward pass size (MB): {passes:.2f}",
        f"Params size (MB): {parameters:.2f}",
        f"Estimated Total Size (MB): {given + passes + parameters:.2f}",
    ]
    return "\n".join([head, LINE, *rows, LINE, *totals, LINE, *memory])


def summary_text(source: str, height: int | None, width: int | None, *, freeze: bool = False) -> str:
    """The table of an architecture (224 x 224 unless given) or of an artifact folder (at its own input size).

    Raises: TrainingError when it is neither.
    """
    if source in ARCHITECTURES:
        return table(summarize(source, height or 224, width or 224, freeze=freeze))
    if not (Path(source) / MANIFEST_NAME).exists():
        known = ", ".join(ARCHITECTURES)
        raise TrainingError(f"{source} is neither an artifact folder nor an architecture; choose one of {known}.")
    manifest = read_artifact(Path(source))
    return artifact_text(manifest, height or manifest.height, width or manifest.width, freeze=freeze)


def artifact_text(manifest: Manifest, height: int, width: int, *, freeze: bool) -> str:
    """The network's table, and what the weights' file itself holds."""
    try:
        network = load_trained(manifest.weights, manifest.architecture)
        title = f"{manifest.architecture} as {manifest.version} has it, at {height} x {width}"
    except TrainingError:
        if manifest.weights.suffix != ".onnx":
            raise
        network = None  # a graph that export did not write
        title = f"{manifest.architecture}, the architecture of {manifest.version}, at {height} x {width}"
    parts = [
        title,
        table(summarize(manifest.architecture, height, width, freeze=freeze, network=network)),
        LINE,
        f"{manifest.weights.name}, the file that is served: {manifest.weights.stat().st_size / MEGABYTE:.1f} MB",
    ]
    return "\n".join(parts + (onnx_lines(manifest.weights) if manifest.weights.suffix == ".onnx" else []))


def onnx_lines(path: Path) -> list[str]:
    """What a graph itself holds: its operators, its numbers and its convolutions' multiply-adds.

    Raises: TrainingError when the file is no valid graph.
    """
    graph = read_graph(path)
    operators = Counter(node.op_type for node in graph.node)
    values = sum(math.prod(each.dims) for each in graph.initializer)
    return [
        f"Operators: {sum(operators.values())} ({', '.join(f'{n} {name}' for name, n in operators.most_common())})",
        f"Numbers held: {values:,} (weights, biases, scales; batch norms are folded into them)",
        f"Multiply-adds of its convolutions and matrix products: {graph_mult_adds(graph):,}",
    ]


def graph_mult_adds(graph: onnx.GraphProto) -> int:
    """Per picture, from the weights' and the outputs' shapes; a weight may come through DequantizeLinear."""
    shapes = {each.name: tuple(each.dims) for each in graph.initializer}
    for each in (*graph.value_info, *graph.output):
        shapes.setdefault(each.name, tuple(dim.dim_value for dim in each.type.tensor_type.shape.dim))
    total = 0
    for node in graph.node:
        if node.op_type in ("Conv", "Gemm", "MatMul") and {node.input[1], node.output[0]} <= shapes.keys():
            places = shapes[node.output[0]][2:] if node.op_type == "Conv" else ()
            total += math.prod(shapes[node.input[1]]) * math.prod(places)
    return total
