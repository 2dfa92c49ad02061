"""The TensorRT engine, as far as it can be tried without a GPU: the graphs, the calls, and what is said without one."""

import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest.mock import MagicMock

import numpy as np
import onnx
import pytest
import torch

from resnet_server.manifest import load_manifest
from tests.training.noise import HEIGHT, WIDTH
from training.errors import TrainingError
from training.serving.export import onnxruntime_run
from training.speed import tensorrt_engine
from training.speed.tensorrt_engine import Precision, build_engine, built, ready_graph

OPTIONS: dict[str, Any] = {"precision": "fp32", "data": None, "batch": 8}


def test_without_a_gpu_one_sentence_says_where_to_run_it(
    exported: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    with pytest.raises(TrainingError, match=r"^TensorRT builds an engine on the very GPU .* or ONNX Runtime\.$"):
        build_engine(exported, tmp_path / "model.engine", cache=tmp_path, **OPTIONS)
    assert list(tmp_path.iterdir()) == []


def test_without_the_package_one_sentence_says_what_to_install(
    exported: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("torch.cuda.is_available", lambda: True)
    monkeypatch.setitem(sys.modules, "tensorrt", None)
    with pytest.raises(TrainingError, match=r'^TensorRT is not installed; run pip install "tensorrt>=10\.12"'):
        build_engine(exported, tmp_path / "model.engine", cache=tmp_path, **OPTIONS)


def test_int8_wants_pictures_and_nothing_is_written_over(exported: Path, tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match=r"^INT8 is calibrated on pictures; give them with --data\.$"):
        build_engine(exported, tmp_path / "model.engine", cache=tmp_path, **OPTIONS | {"precision": "int8"})
    (tmp_path / "model.engine").touch()
    with pytest.raises(TrainingError, match=r"model\.engine exists already; name another file, or remove it first\.$"):
        build_engine(exported, tmp_path / "model.engine", cache=tmp_path, **OPTIONS)


def test_where_the_engine_cannot_be_written_is_said_before_it_is_built(exported: Path, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(TrainingError, match=r"/file cannot be written \(Not a directory\); name another place\.$"):
        build_engine(exported, tmp_path / "file" / "model.engine", cache=tmp_path, **OPTIONS)


@pytest.mark.parametrize(("precision", "tolerance"), [("fp32", 1e-5), ("fp16", 0.05), ("int8", 0.25)])
def test_every_graph_casts_first_and_answers_as_the_artifact(
    precision: Precision, tolerance: float, exported: Path, folder: Path, golden_batch: np.ndarray, tmp_path: Path
) -> None:
    manifest = load_manifest(exported)
    graph = ready_graph(manifest, tmp_path / "ready.onnx", precision, folder, tmp_path / "cache")
    expected = onnxruntime_run(manifest.weights)(golden_batch)
    answers = onnxruntime_run(graph)(golden_batch)
    assert answers.dtype == np.float32
    assert answers == pytest.approx(expected, abs=tolerance)
    nodes = onnx.load(str(graph)).graph.node
    assert [node.op_type for node in nodes if "image" in node.input] == ["Cast"]


def test_a_half_precision_graph_holds_half_precision_weights(exported: Path, tmp_path: Path) -> None:
    graph = onnx.load(str(ready_graph(load_manifest(exported), tmp_path / "half.onnx", "fp16", None, tmp_path))).graph
    assert {each.data_type for each in graph.initializer if len(each.dims) == 4} == {onnx.TensorProto.FLOAT16}


def test_an_int8_graph_is_symmetric_as_tensorrt_wants_it(exported: Path, folder: Path, tmp_path: Path) -> None:
    graph = onnx.load(str(ready_graph(load_manifest(exported), tmp_path / "int8.onnx", "int8", folder, tmp_path))).graph
    points = [onnx.numpy_helper.to_array(each) for each in graph.initializer if each.name.endswith("zero_point")]
    assert len(points) > 20
    assert all(point.dtype == np.int8 and not point.any() for point in points)


def test_tensorrts_own_parser_and_builder_take_every_graph(exported: Path, folder: Path, tmp_path: Path) -> None:
    # TensorRT for RTX has the same parser and the same calls, comes from PyPI, and builds without a GPU.
    trt = pytest.importorskip("tensorrt_rtx_bindings", reason="NVIDIA has no such wheel for this machine")
    manifest, sizes = load_manifest(exported), {}
    for precision in ("fp32", "fp16", "int8"):
        graph = ready_graph(manifest, tmp_path / f"{precision}.onnx", precision, folder, tmp_path / "cache")
        sizes[precision] = len(built(trt, graph, manifest, 8))
    assert sizes["fp32"] > 4 * 11_000_000 > sizes["fp16"] > 2 * 11_000_000 > sizes["int8"]


def fake_tensorrt(*, parses: bool = True, plan: bytes | None = b"plan") -> Any:
    """Stands for the package: remembers what it was told."""
    trt = MagicMock()
    trt.NetworkDefinitionCreationFlag.STRONGLY_TYPED = 1
    parser = trt.OnnxParser.return_value
    parser.parse.return_value, parser.num_errors = parses, 2
    parser.get_error.side_effect = ["no\nsuch node", "nor this"]
    trt.Builder.return_value.build_serialized_network.return_value = plan
    return trt


def test_the_builder_is_told_size_workspace_and_that_types_are_the_graphs(exported: Path) -> None:
    trt, manifest = fake_tensorrt(), load_manifest(exported)
    assert built(trt, manifest.weights, manifest, 16) == b"plan"
    builder = trt.Builder.return_value
    builder.create_network.assert_called_once_with(1 << 1)
    config = builder.create_builder_config.return_value
    config.set_memory_pool_limit.assert_called_once_with(trt.MemoryPoolType.WORKSPACE, 1 << 30)
    config.clear_flag.assert_called_once_with(trt.BuilderFlag.TF32)
    config.set_flag.assert_not_called()  # FP16 and INT8 flags are gone in TensorRT 11
    shapes = [(1, HEIGHT, WIDTH, 3), (1, HEIGHT, WIDTH, 3), (16, HEIGHT, WIDTH, 3)]
    builder.create_optimization_profile.return_value.set_shape.assert_called_once_with("image", *shapes)


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"parses": False}, r"^TensorRT does not read the graph: no such node; nor this$"),
        ({"plan": None}, r"^TensorRT cannot build this engine; "),
    ],
)
def test_what_tensorrt_refuses_is_one_sentence(given: dict[str, Any], sentence: str, exported: Path) -> None:
    manifest = load_manifest(exported)
    with pytest.raises(TrainingError, match=sentence):
        built(fake_tensorrt(**given), manifest.weights, manifest, 8)


@pytest.mark.parametrize("off", [0.0, 1.0])
def test_an_engine_that_answers_otherwise_is_not_kept(
    off: float, exported: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    right = onnxruntime_run(load_manifest(exported).weights)
    monkeypatch.setattr(tensorrt_engine, "tensorrt", fake_tensorrt)
    monkeypatch.setattr(
        tensorrt_engine, "engine_run", lambda *_: lambda images: right(images) + np.array([0, off], np.float32)
    )
    target = tmp_path / "new" / "model.engine"
    if off:
        with pytest.raises(TrainingError, match=r"^One picture's logits differ by 1\.0"):
            build_engine(exported, target, cache=tmp_path, **OPTIONS)
        assert not target.exists()
    else:
        assert build_engine(exported, target, cache=tmp_path, **OPTIONS) < 1e-4
        assert target.read_bytes() == b"plan"


def test_the_engine_runs_on_what_lies_on_the_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    trt = fake_tensorrt()
    context = trt.Runtime.return_value.deserialize_cuda_engine.return_value.create_execution_context.return_value
    monkeypatch.setattr("torch.Tensor.cuda", lambda self: self)
    monkeypatch.setattr("torch.empty", lambda shape, **_: torch.full(shape, 0.5))
    stream = SimpleNamespace(cuda_stream=7, wait_stream=lambda _: None, synchronize=lambda: None)
    monkeypatch.setattr("torch.cuda.Stream", lambda: stream)
    monkeypatch.setattr("torch.cuda.current_stream", lambda: None)
    answers = tensorrt_engine.engine_run(trt, b"plan")(np.zeros((3, HEIGHT, WIDTH, 3), np.uint8))
    assert answers.tolist() == [[0.5, 0.5]] * 3
    context.set_input_shape.assert_called_once_with("image", (3, HEIGHT, WIDTH, 3))
    assert [call.args[0] for call in context.set_tensor_address.call_args_list] == ["image", "logits"]
    context.execute_async_v3.assert_called_once_with(7)
    context.execute_async_v3.return_value = False
    with pytest.raises(TrainingError, match=r"^TensorRT cannot run the engine that it built; "):
        tensorrt_engine.engine_run(trt, b"plan")(np.zeros((1, HEIGHT, WIDTH, 3), np.uint8))


def test_a_gpu_that_does_not_take_the_engine_is_one_sentence() -> None:
    trt = fake_tensorrt()
    trt.Runtime.return_value.deserialize_cuda_engine.return_value = None  # TensorRT prints why
    with pytest.raises(TrainingError, match=r"^TensorRT built an engine that this GPU does not take; "):
        tensorrt_engine.engine_run(trt, b"plan")
