"""Export and quantisation: engines agree, and a bad int8 file is not kept."""

from pathlib import Path

import numpy as np
import onnx
import pytest

from resnet_server.engines.pytorch import UInt8Network
from tests.training.noise import HEIGHT, WIDTH
from training.data import load
from training.errors import TrainingError
from training.export import (
    BATCHES,
    check_agreement,
    export,
    largest_difference,
    load_checkpoint,
    onnxruntime_run,
    openvino_run,
    torch_run,
)
from training.network import served_network
from training.quantise import calibration_sample, check_drop, quantise_checked

WRONG = np.array([[1, 0], [1, 0]], dtype=np.float32)
RIGHT = np.array([[1, 0], [0, 1]], dtype=np.float32)
LABELS = np.array([0, 1])


def test_three_engines_agree_on_the_export_at_every_batch_size(
    network: UInt8Network, golden_batch: np.ndarray, tmp_path: Path
) -> None:
    small = golden_batch[:, ::5, ::5].copy()
    served = served_network(network)
    export(served, tmp_path / "model.onnx", *small.shape[1:3])
    runs = [torch_run(served), onnxruntime_run(tmp_path / "model.onnx"), openvino_run(tmp_path / "model.onnx")]
    assert BATCHES == (1, 2, 7)
    assert largest_difference(runs, small) < 1e-3


def test_the_graph_takes_uint8_nhwc_and_names_its_nodes_after_layers(float_onnx: Path) -> None:
    graph = onnx.load(str(float_onnx)).graph
    taken, given = graph.input[0], graph.output[0]
    assert (taken.name, taken.type.tensor_type.elem_type) == ("image", onnx.TensorProto.UINT8)
    sizes = [dim.dim_param or dim.dim_value for dim in taken.type.tensor_type.shape.dim]
    assert sizes == ["batch", 700, 500, 3]
    assert (given.name, given.type.tensor_type.elem_type) == ("logits", onnx.TensorProto.FLOAT)
    assert "/backbone/resnet/layer4/layer4.1/conv2/Conv" in {node.name for node in graph.node}


def test_int8_engines_agree_at_every_batch_size(int8_onnx: Path, golden_batch: np.ndarray) -> None:
    assert largest_difference([onnxruntime_run(int8_onnx), openvino_run(int8_onnx)], golden_batch) < 0.25


def test_int8_weights_keep_seven_bits(int8_onnx: Path) -> None:
    weights = [
        onnx.numpy_helper.to_array(tensor)
        for tensor in onnx.load(str(int8_onnx)).graph.initializer
        if tensor.data_type == onnx.TensorProto.INT8 and len(tensor.dims) == 4
    ]
    assert len(weights) == 20
    assert max(int(np.abs(tensor.astype(np.int64)).max()) for tensor in weights) == 64


def test_engines_that_disagree_are_refused(network: UInt8Network, golden_batch: np.ndarray) -> None:
    run = torch_run(network)
    with pytest.raises(TrainingError, match=r"^The engines' logits differ by 1\.0000; at most 0\.5 is accepted\.$"):
        check_agreement([run, lambda images: run(images) + np.float32(1)], golden_batch[:, ::5, ::5], 0.5)


def test_a_drop_of_accuracy_is_refused() -> None:
    with pytest.raises(TrainingError, match=r"^int8 loses 50\.00 points of accuracy; at most 0\.5 are accepted\.$"):
        check_drop(RIGHT, WRONG, LABELS)


def test_a_gain_of_accuracy_is_accepted() -> None:
    assert check_drop(WRONG, RIGHT, LABELS) == -0.5


def test_a_refused_int8_file_is_not_kept(
    network: UInt8Network, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    export(served_network(network), tmp_path / "float.onnx", HEIGHT, WIDTH)
    monkeypatch.setattr("training.quantise.MAX_DROP", -1.0)
    with pytest.raises(TrainingError, match=r"^int8 loses"):
        quantise_checked(tmp_path / "float.onnx", tmp_path / "int8.onnx", load(folder, HEIGHT, WIDTH))
    assert [path.name for path in tmp_path.iterdir()] == ["float.onnx"]


def test_calibration_takes_both_classes_alike(folder: Path) -> None:
    data = load(folder, HEIGHT, WIDTH)
    assert len(calibration_sample(data)) == 32
    assert np.array_equal(calibration_sample(data, [0, 20]), data.images[[0, 20]])


def test_a_file_that_is_no_checkpoint_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "model.pt"
    path.write_bytes(b"no weights")
    with pytest.raises(TrainingError, match=r"model\.pt is not a checkpoint of this network: "):
        load_checkpoint(path)
