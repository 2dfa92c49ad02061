"""Export and quantization: engines agree, and a bad int8 file is not kept."""

from pathlib import Path

import numpy as np
import onnx
import pytest

from resnet_server.engines.pytorch import UInt8Network
from tests.training.changes import change
from tests.training.noise import HEIGHT, WIDTH
from training.errors import TrainingError
from training.photos.data import load
from training.serving.export import (
    BATCHES,
    check_agreement,
    check_top1,
    export,
    largest_difference,
    onnxruntime_run,
    openvino_run,
    torch_run,
)
from training.serving.quantize import calibration_sample, check_drop, quantize_checked


def test_three_engines_agree_on_the_export_at_every_batch_size(
    network: UInt8Network, golden_batch: np.ndarray, tmp_path: Path
) -> None:
    export(network, tmp_path / "model.onnx", HEIGHT, WIDTH)
    runs = [torch_run(network), onnxruntime_run(tmp_path / "model.onnx"), openvino_run(tmp_path / "model.onnx")]
    assert BATCHES == (1, 2, 7)
    assert largest_difference(runs, golden_batch) < 1e-3


def test_the_graph_takes_uint8_nhwc_and_names_its_nodes_after_layers(exported: Path) -> None:
    graph = onnx.load(str(exported / "model.onnx")).graph
    taken, given = graph.input[0], graph.output[0]
    assert (taken.name, taken.type.tensor_type.elem_type) == ("image", onnx.TensorProto.UINT8)
    sizes = [dim.dim_param or dim.dim_value for dim in taken.type.tensor_type.shape.dim]
    assert sizes == ["batch", HEIGHT, WIDTH, 3]
    assert (given.name, given.type.tensor_type.elem_type) == ("logits", onnx.TensorProto.FLOAT)
    assert "/backbone/layer4/layer4.1/conv2/Conv" in {node.name for node in graph.node}


def test_an_engine_whose_answer_depends_on_the_pictures_beside_is_refused(golden_batch: np.ndarray) -> None:
    def beside(images: np.ndarray) -> np.ndarray:
        lightness = images.mean((1, 2, 3))
        return np.stack([lightness - lightness.mean()] * 2, 1)

    sizes = r"between engines, or between batches of 1, 2, 7; at most 0\.25 is accepted\.$"
    with pytest.raises(TrainingError, match=sizes):
        check_agreement([beside, beside], golden_batch, 0.25)


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
    sentence = r"^One picture's logits differ by 1\.0000 between engines, or .*; at most 0\.5 is accepted\.$"
    with pytest.raises(TrainingError, match=sentence):
        check_agreement([run, lambda images: run(images) + np.float32(1)], golden_batch, 0.5)


def test_an_engine_that_answers_no_number_is_refused(network: UInt8Network, golden_batch: np.ndarray) -> None:
    run = torch_run(network)
    with pytest.raises(TrainingError, match=r"^One picture's logits differ by nan"):
        check_agreement([run, lambda images: run(images) * np.float32("nan")], golden_batch, 0.5)


def test_classes_that_differ_are_refused_however_near_the_logits() -> None:
    pictures = np.repeat(np.arange(4, dtype=np.uint8), 12).reshape(4, 2, 2, 3)  # each full of its number
    one = np.array([[0, 1e-6]] * 4, np.float32)
    other = one.copy()
    other[2] = [1e-6, 0]
    runs = [lambda images, logits=logits: logits[images[:, 0, 0, 0]] for logits in (one, other)]
    check_top1(runs[:1] * 2, pictures)
    sentence = r"^The engines give 1 of 4 pictures different classes, or batches of 1, 2, 7 do; nothing is kept\.$"
    with pytest.raises(TrainingError, match=sentence):
        check_top1(runs, pictures)
    in_pairs_otherwise = [lambda images: (other if len(images) == 2 else one)[images[:, 0, 0, 0]]]
    with pytest.raises(TrainingError, match=sentence):
        check_top1(in_pairs_otherwise, pictures)


def test_folded_weights_are_named_after_their_layers(exported: Path) -> None:
    graph = onnx.load(str(exported / "model.onnx")).graph
    held = {each.name for each in graph.initializer}
    assert {"/backbone/conv1/weight", "/backbone/layer4/layer4.1/conv2/weight", "backbone.fc.weight"} <= held
    assert not any(name.startswith("onnx::") for name in held)


@pytest.mark.parametrize(("after", "drop"), [(0.49, 1), (0.4951, 0.49), (0.6, -10)])
def test_a_drop_of_accuracy_is_refused_and_a_gain_is_not(after: float, drop: float) -> None:
    found = change(0.5, after)
    assert 100 * found.drop == pytest.approx(drop)
    if drop < 0.5:
        check_drop(found, 0.005)
    else:
        interval = r"-1\.00 points \(95 %: \+0\.00 to \+0\.00, pictures drawn\)"
        with pytest.raises(TrainingError, match=rf"^int8 loses 1\.00 points .* at most 0\.5 are accepted .*{interval}"):
            check_drop(found, 0.005)


def test_a_refused_int8_file_is_not_kept(exported: Path, folder: Path, tmp_path: Path) -> None:
    target, data = tmp_path / "int8.onnx", load(folder, HEIGHT, WIDTH)
    with pytest.raises(TrainingError, match=r"^int8 loses"):
        quantize_checked(exported / "model.onnx", target, calibration_sample(data), data, max_drop=-1.0)
    assert list(tmp_path.iterdir()) == []


def test_calibration_takes_both_classes_alike(folder: Path) -> None:
    data = load(folder, HEIGHT, WIDTH)
    assert len(calibration_sample(data)) == 32
    assert np.array_equal(calibration_sample(data, [0, 20]), data.images[[0, 20]])


def test_a_drop_of_just_what_is_accepted_is_accepted() -> None:
    check_drop(change(1.0, 0.995), 0.005)


def test_an_engine_that_answers_no_number_in_the_last_batch_only_is_refused(
    network: UInt8Network, golden_batch: np.ndarray
) -> None:
    run = torch_run(network)

    def nan_of_seven(images: np.ndarray) -> np.ndarray:
        return run(images) * np.float32("nan" if len(images) == 7 else 1)

    with pytest.raises(TrainingError, match=r"^One picture's logits differ by nan"):
        check_agreement([run, nan_of_seven], golden_batch, 0.5)
