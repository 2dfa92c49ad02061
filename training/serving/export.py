"""Writes the trained network as ONNX, and proves that three engines read the file alike."""

import warnings
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import openvino
import torch
from rich.progress import track

from resnet_server.engines.pytorch import UInt8Network
from training.errors import TrainingError
from training.judging.answers import Logits
from training.photos.data import Images

OPSET = 17  # the newest that onnxruntime's quantiser, onnxruntime >= 1.13 and OpenVINO >= 2023 all read
INPUT, OUTPUT = "image", "logits"
BATCHES = (1, 2, 7)
FEW = 16  # are answered before anybody wonders
FLOAT_TOLERANCE = 0.001  # of a logit; seen: 0.00002

Run = Callable[[Images], Logits]


def name_weights(graph: onnx.GraphProto) -> None:
    """Name each weight after its layer, as the nodes are: Netron shows /backbone/layer1/layer1.0/conv1/weight.

    Where the exporter folds a batch norm into a convolution it numbers both (onnx::Conv_193).
    """
    renamed: dict[str, str] = {}
    for node in graph.node:
        for kind, name in zip(("weight", "bias"), node.input[1:], strict=False):
            if name.startswith("onnx::"):
                renamed.setdefault(name, f"{node.name.rpartition('/')[0]}/{kind}")
    for held in graph.initializer:
        held.name = renamed.get(held.name, held.name)
    for node in graph.node:
        for names in (node.input, node.output):
            names[:] = [renamed.get(name, name) for name in names]


def export(model: UInt8Network, path: Path, height: int, width: int) -> None:
    """Write `image` uint8 (N, height, width, 3) → `logits` float32 (N, 2), normalisation and batch norms folded in."""
    path.parent.mkdir(parents=True, exist_ok=True)
    example = torch.zeros(2, height, width, 3, dtype=torch.uint8)
    axes = {INPUT: {0: "batch"}, OUTPUT: {0: "batch"}}
    with warnings.catch_warnings():
        # The TorchScript exporter names nodes after modules (/network/layer1/…) and needs no further package.
        warnings.simplefilter("ignore", DeprecationWarning)
        torch.onnx.export(
            model.eval(),
            (example,),
            str(path),
            input_names=[INPUT],
            output_names=[OUTPUT],
            dynamic_axes=axes,
            opset_version=OPSET,
            dynamo=False,
        )
    written = onnx.load(str(path))
    name_weights(written.graph)
    onnx.save(written, str(path))
    onnx.checker.check_model(str(path), full_check=True)


def read_graph(path: Path) -> onnx.GraphProto:
    """The graph of an ONNX file, with the shapes between its layers.

    Raises: TrainingError when the file is no valid graph.
    """
    try:
        return onnx.shape_inference.infer_shapes(onnx.load(path)).graph
    except Exception as exc:  # protobuf's and onnx's own
        raise TrainingError(f"{path} is no valid ONNX graph; export it again.") from exc


def check_interface(graph: onnx.GraphProto, path: Path, height: int, width: int) -> None:
    """Raises: TrainingError when the graph takes or gives anything but what export writes."""
    wanted = (INPUT, onnx.TensorProto.UINT8, [0, height, width, 3])
    held = {each.name for each in graph.initializer}  # IR versions before 4 list weights as inputs, too
    inputs = [each for each in graph.input if each.name not in held]
    types = [(each.name, each.type.tensor_type) for each in inputs]
    given = [(name, kind.elem_type, [size.dim_value for size in kind.shape.dim]) for name, kind in types]
    if given != [wanted] or [each.name for each in graph.output] != [OUTPUT]:
        raise TrainingError(
            f"{path} does not take `{INPUT}`, uint8 (any number, {height}, {width}, 3), or does not give `{OUTPUT}`; "
            "give an artifact that export wrote."
        )


def onnxruntime_run(path: Path, threads: int = 0) -> Run:
    """A function from uint8 (N, H, W, 3) to logits (N, 2), by ONNX Runtime on the CPU."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads or torch.get_num_threads()
    # Two sessions whose threads wait for work in a loop take the cores from each other: twice the time, and noise.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])

    def run(images: Images) -> Logits:
        logits: Logits = session.run([OUTPUT], {INPUT: images})[0]
        return logits

    return run


def openvino_run(path: Path) -> Run:
    """A function from uint8 (N, H, W, 3) to logits (N, 2), by OpenVINO on the CPU in float32 or int8, never bf16."""
    config = {"INFERENCE_PRECISION_HINT": "f32", "INFERENCE_NUM_THREADS": torch.get_num_threads()}
    compiled = openvino.Core().compile_model(str(path), "CPU", config)

    def run(images: Images) -> Logits:
        logits: Logits = compiled(images)[OUTPUT]
        return logits.copy()

    return run


def torch_run(model: UInt8Network) -> Run:
    """A function from uint8 (N, H, W, 3) to logits (N, 2), by PyTorch in float32."""

    def run(images: Images) -> Logits:
        with torch.inference_mode():
            logits: Logits = model.eval()(torch.from_numpy(images.copy())).numpy()
        return logits

    return run


def in_batches(run: Run, images: Images, batch: int = 8) -> Logits:
    """Logits (N, 2) of any number of pictures; of more than FEW under a progress bar."""
    starts = range(0, len(images), batch)
    bar = track(starts, description=f"answering by {batch}", transient=True, disable=len(images) <= FEW)
    return np.concatenate([run(np.array(images[i : i + batch])) for i in bar])


def largest_difference(runs: Sequence[Run], images: Images, batches: tuple[int, ...] = BATCHES) -> float:
    """The largest gap between two logits about one picture, whichever engine answers it, in whatever batch."""
    answers = np.stack([in_batches(run, images, size) for size in batches for run in runs])
    return float((answers.max(0) - answers.min(0)).max())  # NaN where any is none


def check_top1(runs: Sequence[Run], images: Images, batches: tuple[int, ...] = BATCHES) -> None:
    """Raises: TrainingError when a picture's class depends on the engine, or on how many it is asked with."""
    answers = np.stack([in_batches(run, images, size).argmax(1) for size in batches for run in runs])
    if differing := int((answers != answers[0]).any(0).sum()):
        raise TrainingError(
            f"The engines give {differing} of {len(images)} pictures different classes, or batches of "
            f"{', '.join(map(str, batches))} do; nothing is kept."
        )


def check_agreement(runs: Sequence[Run], images: Images, tolerance: float, batches: tuple[int, ...] = BATCHES) -> float:
    """The largest gap between the engines' logits, and between those of one picture in batches of another size.

    Raises: TrainingError when it passes the tolerance, or is no number.
    """
    gap = largest_difference(runs, images, batches)
    if not gap <= tolerance:
        raise TrainingError(
            f"One picture's logits differ by {gap:.4f} between engines, or between batches of "
            f"{', '.join(map(str, batches))}; at most {tolerance} is accepted."
        )
    return gap
