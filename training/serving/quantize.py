"""Turns a float ONNX file into int8 (QDQ, per channel), calibrated on pictures prepared as serving prepares them."""

import tempfile
from pathlib import Path

import numpy as np
import onnx
from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_static
from onnxruntime.quantization.shape_inference import quant_pre_process

from training.errors import TrainingError
from training.judging.answers import Logits
from training.judging.metrics import mean_accuracy
from training.photos.data import DataSet, Images
from training.serving.export import INPUT, in_batches, onnxruntime_run

MAX_DROP = 0.005  # of mean accuracy: half a point
CALIBRATION_PICTURES = 96
CALIBRATION_BATCH = 8


class Reader(CalibrationDataReader):  # type: ignore[misc]  # onnxruntime has no types
    """Feeds the calibrator batches of uint8 (N, H, W, 3)."""

    def __init__(self, images: Images) -> None:
        starts = range(0, len(images), CALIBRATION_BATCH)
        self.batches = iter([np.array(images[i : i + CALIBRATION_BATCH]) for i in starts])

    def get_next(self) -> dict[str, Images] | None:
        """The next batch under the input's name; None at the end."""
        batch = next(self.batches, None)
        return None if batch is None else {INPUT: batch}


def quantize(source: Path, target: Path, calibration: Images) -> None:
    """Write `source` as int8 to `target`. `calibration`: uint8 (N, H, W, 3) from the serving preprocess.

    Weights keep 7 bits (reduce_range): without VNNI, x86 adds pairs of u8 x s8 products in int16, which 8-bit weights
    overflow (onnxruntime's quantisation guide), so an AVX2 machine would answer differently from an AVX-512 one.
    The last layer stays float: two outputs cost nothing and the logits keep their resolution.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        prepared = Path(folder) / "prepared.onnx"
        quant_pre_process(str(source), str(prepared), skip_symbolic_shape=True)
        quantize_static(
            str(prepared),
            str(target),
            Reader(calibration),
            quant_format=QuantFormat.QDQ,
            per_channel=True,
            reduce_range=True,
            activation_type=QuantType.QUInt8,
            weight_type=QuantType.QInt8,
            op_types_to_quantize=["Conv", "Add", "MaxPool", "GlobalAveragePool"],
        )
    onnx.checker.check_model(str(target), full_check=True)


def calibration_sample(data: DataSet, indices: list[int] | None = None) -> Images:
    """Up to CALIBRATION_PICTURES pictures, both classes alike, spread evenly over the data's order."""
    chosen = np.arange(len(data.samples)) if indices is None else np.array(indices)
    labels = data.labels[chosen]
    picked: list[int] = []
    for label in (0, 1):
        members = chosen[labels == label]
        count = min(len(members), CALIBRATION_PICTURES // 2)
        picked += [int(index) for index in members[np.linspace(0, len(members) - 1, count).astype(int)]]
    return np.array(data.images[sorted(picked)])


def accuracy_drop(before: Logits, after: Logits, labels: np.ndarray, max_drop: float) -> float:
    """How much mean accuracy the quantized logits lose (negative: gain).

    Raises: TrainingError above max_drop.
    """
    drop = mean_accuracy(before, labels) - mean_accuracy(after, labels)
    if drop > max_drop:
        raise TrainingError(
            f"int8 loses {100 * drop:.2f} points of mean accuracy, and at most {100 * max_drop:g} are accepted; "
            "nothing was written. Calibrate on more pictures, or keep the float model."
        )
    return drop


def quantize_checked(source: Path, target: Path, data: DataSet, max_drop: float = MAX_DROP) -> float:
    """Quantize, and keep the result only if accuracy on `data` holds. Returns: the drop in mean accuracy.

    Raises: TrainingError above max_drop; nothing is left at `target` then.
    """
    partial = target.with_suffix(".partial.onnx")
    try:
        quantize(source, partial, calibration_sample(data))
        before, after = (in_batches(onnxruntime_run(path), data.images) for path in (source, partial))
        drop = accuracy_drop(before, after, data.labels, max_drop)
        partial.replace(target)
    finally:
        partial.unlink(missing_ok=True)
    return drop
