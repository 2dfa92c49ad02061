"""Builds a TensorRT engine from a float ONNX artifact: the graph made ready here, built and tried on the GPU.

Networks are strongly typed: the precision is that of the graph, as TensorRT 10.12 recommends and 11 demands (NVIDIA,
"Migrating from TensorRT 10.x to 11.x"). So FP16 is a float16 graph and INT8 one with QuantizeLinear, not builder flags.
"""

from importlib import import_module
from pathlib import Path
from typing import Any, Literal

import numpy as np
import onnx
import torch
from onnxruntime.transformers.float16 import convert_float_to_float16

from resnet_server.manifest import Manifest
from training.errors import TrainingError
from training.judging.answers import Logits
from training.judging.judged import say_skipped
from training.photos.data import Images, load
from training.photos.folders import check_writable, scratch
from training.photos.parts import part_or_whole
from training.serving.artifact import golden_views
from training.serving.convert import float_onnx
from training.serving.export import INPUT, OUTPUT, Run, check_agreement, check_top1, onnxruntime_run
from training.serving.quantize import calibration_sample, quantize

Precision = Literal["fp32", "fp16", "int8"]
WORKSPACE_BYTES = 1 << 30  # the documents': what the builder may take for trying kernels
# Of a logit, against ONNX Runtime's answers to the same graph: kernels add in another order, in half precision twice.
TOLERANCES: dict[Precision, float] = {"fp32": 0.01, "fp16": 0.1, "int8": 0.25}


def build_engine(
    source: Path, target: Path, *, precision: Precision, data: Path | None, cache: Path, batch: int
) -> float:
    """Write the engine for batches of 1 to `batch`. Returns: how far its logits are from ONNX Runtime's.

    `data`: pictures to calibrate INT8 on (train of what split wrote).
    Raises: TrainingError without a GPU or TensorRT, for another artifact than export wrote, or where the engine answers
    otherwise; nothing is at `target` then.
    """
    manifest = float_onnx(source)
    if target.exists():
        raise TrainingError(f"{target} exists already; name another file, or remove it first.")
    check_writable(target.parent)
    if precision == "int8" and data is None:
        raise TrainingError("INT8 is calibrated on pictures; give them with --data.")
    trt = tensorrt()
    with scratch() as folder:
        graph = ready_graph(manifest, folder / "model.onnx", precision, data, cache)
        plan = built(trt, graph, manifest, batch)
        views = golden_views(manifest)
        runs = [onnxruntime_run(graph), engine_run(trt, plan)]
        batches = tuple({1, min(batch, len(views))})
        gap = check_agreement(runs, views, TOLERANCES[precision], batches)
        check_top1(runs, views, batches)
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(plan)
    return gap


def tensorrt() -> Any:  # noqa: ANN401  # the package has no types, and most machines do not have it
    """The tensorrt package.

    Raises: TrainingError without a GPU, or without the package.
    """
    if not torch.cuda.is_available():
        raise TrainingError(
            "TensorRT builds an engine on the very GPU that will run it, and this machine has none; run this step "
            "there, or serve by OpenVINO or ONNX Runtime."
        )
    try:
        return import_module("tensorrt")
    except ImportError as exc:
        raise TrainingError(
            'TensorRT is not installed; run pip install "tensorrt>=10.12", then this step again.'
        ) from exc


def ready_graph(manifest: Manifest, target: Path, precision: Precision, data: Path | None, cache: Path) -> Path:
    """The artifact's graph in the precision, as TensorRT reads it; ONNX Runtime answers it too."""
    if precision == "int8" and data is not None:
        pictures = load(part_or_whole(data, "train"), manifest.height, manifest.width, cache)
        say_skipped(pictures.skipped)
        quantize(manifest.weights, target, calibration_sample(pictures), symmetric=True)
        model = onnx.load(str(target))
    else:
        model = onnx.load(str(manifest.weights))
    if precision == "fp16":
        model = convert_float_to_float16(model, keep_io_types=[OUTPUT], disable_shape_infer=True)
    cast_first(model.graph)
    onnx.checker.check_model(model)
    onnx.save(model, str(target))
    return target


def cast_first(graph: onnx.GraphProto) -> None:
    """Turn uint8 → transpose → cast into uint8 → cast → transpose: TensorRT takes uint8 as an input to a cast alone."""
    transpose = next((node for node in graph.node if INPUT in node.input), None)
    cast = transpose and next((node for node in graph.node if transpose.output[0] in node.input), None)
    if transpose is None or cast is None or (transpose.op_type, cast.op_type) != ("Transpose", "Cast"):
        return  # cast already
    between, after = transpose.output[0], cast.output[0]
    cast.input[0], cast.output[0] = INPUT, between
    transpose.input[0], transpose.output[0] = between, after
    first, second = onnx.NodeProto(), onnx.NodeProto()
    first.CopyFrom(cast)
    second.CopyFrom(transpose)
    places = [index for index, node in enumerate(graph.node) if node.name in (cast.name, transpose.name)]
    for place, node in zip(places, (first, second), strict=True):
        graph.node[place].CopyFrom(node)
    stale = [each for each in graph.value_info if each.name == between]
    for each in stale:
        graph.value_info.remove(each)


def built(trt: Any, graph: Path, manifest: Manifest, batch: int) -> bytes:  # noqa: ANN401
    """The serialized engine.

    Raises: TrainingError with TensorRT's own words when it does not read the graph or cannot build.
    """
    logger = trt.Logger(trt.Logger.WARNING)
    builder = trt.Builder(logger)
    network = builder.create_network(1 << int(trt.NetworkDefinitionCreationFlag.STRONGLY_TYPED))
    parser = trt.OnnxParser(network, logger)
    if not parser.parse(graph.read_bytes()):
        words = "; ".join(str(parser.get_error(index)) for index in range(parser.num_errors))
        raise TrainingError(f"TensorRT does not read the graph: {' '.join(words.split())}")
    config = builder.create_builder_config()
    config.set_memory_pool_limit(trt.MemoryPoolType.WORKSPACE, WORKSPACE_BYTES)
    config.clear_flag(trt.BuilderFlag.TF32)  # FP32 shall be FP32
    profile = builder.create_optimization_profile()
    shapes = [(size, manifest.height, manifest.width, 3) for size in (1, 1, batch)]  # least, usual, most
    profile.set_shape(INPUT, *shapes)
    config.add_optimization_profile(profile)
    plan = builder.build_serialized_network(network, config)
    if plan is None:
        raise TrainingError("TensorRT cannot build this engine; what it printed above says why.")
    return bytes(plan)


def engine_run(trt: Any, plan: bytes) -> Run:  # noqa: ANN401
    """A function from uint8 (N, H, W, 3) to logits (N, 2), by the engine; torch holds what lies on the GPU.

    Raises: TrainingError where this GPU does not take the engine.
    """
    runtime = trt.Runtime(trt.Logger(trt.Logger.WARNING))
    engine = runtime.deserialize_cuda_engine(plan)
    context = engine and engine.create_execution_context()
    if not context:
        raise TrainingError("TensorRT built an engine that this GPU does not take; what it printed above says why.")

    def run(images: Images) -> Logits:
        given = torch.from_numpy(np.ascontiguousarray(images)).cuda()
        answers = torch.empty((len(images), 2), dtype=torch.float32, device="cuda")
        context.set_input_shape(INPUT, tuple(given.shape))
        context.set_tensor_address(INPUT, given.data_ptr())
        context.set_tensor_address(OUTPUT, answers.data_ptr())
        stream = torch.cuda.Stream()  # type: ignore[no-untyped-call]
        stream.wait_stream(torch.cuda.current_stream())
        if not context.execute_async_v3(stream.cuda_stream):
            raise TrainingError("TensorRT cannot run the engine that it built; what it printed above says why.")
        stream.synchronize()
        logits: Logits = answers.cpu().numpy()
        return logits

    return run
