"""Turns a float ONNX file into int8: static (QDQ, per channel, calibrated through the serving preprocess) or dynamic.

Dynamic, as in the documents (weight_type QUInt8): weights are int8, each layer's scale is that of the batch at hand.
So it needs no pictures, and a picture's answer depends a little on those that come with it.
"""

import contextlib
import logging
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import onnx
from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_dynamic, quantize_static
from onnxruntime.quantization.shape_inference import quant_pre_process
from rich.progress import track

from training.errors import TrainingError
from training.judging.answers import answers_of
from training.judging.paired import Change
from training.photos.data import DataSet, Images
from training.photos.folders import scratch
from training.serving.export import INPUT, in_batches, onnxruntime_run

CALIBRATION_PICTURES = 96
CALIBRATION_BATCH = 8


class Reader(CalibrationDataReader):  # type: ignore[misc]  # onnxruntime has no types
    """Feeds the calibrator batches of uint8 (N, H, W, 3)."""

    def __init__(self, images: Images) -> None:
        starts = track(range(0, len(images), CALIBRATION_BATCH), description="calibrating", transient=True)
        self.batches = (np.array(images[i : i + CALIBRATION_BATCH]) for i in starts)

    def get_next(self) -> dict[str, Images] | None:
        """The next batch under the input's name; None at the end."""
        batch = next(self.batches, None)
        return None if batch is None else {INPUT: batch}


def quantize(source: Path, target: Path, calibration: Images | None, *, symmetric: bool = False) -> None:
    """Write `source` as int8 to `target`. `calibration`: uint8 (N, H, W, 3) from the serving preprocess; None: dynamic.

    `symmetric`: activations as int8 around zero, which is what TensorRT reads, instead of uint8.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    with scratch() as folder, quiet():
        prepared = folder / "prepared.onnx"
        quant_pre_process(str(source), str(prepared), skip_symbolic_shape=True)
        if calibration is None:
            quantize_dynamic(str(prepared), str(target), weight_type=QuantType.QUInt8)
        else:
            static(prepared, target, calibration, symmetric=symmetric)
    onnx.checker.check_model(str(target), full_check=calibration is not None)


def static(source: Path, target: Path, calibration: Images, *, symmetric: bool) -> None:
    """QDQ: scales are fixed beforehand, from the ranges that the calibration pictures reach.

    Weights keep 7 bits (reduce_range): without VNNI, x86 adds pairs of u8 x s8 products in int16, which 8-bit weights
    overflow (onnxruntime's quantisation guide), so an AVX2 machine would answer differently from an AVX-512 one.
    The last layer stays float: two outputs cost nothing and the logits keep their resolution.
    """
    quantize_static(
        str(source),
        str(target),
        Reader(calibration),
        quant_format=QuantFormat.QDQ,
        per_channel=True,
        reduce_range=not symmetric,
        activation_type=QuantType.QInt8 if symmetric else QuantType.QUInt8,
        weight_type=QuantType.QInt8,
        op_types_to_quantize=["Conv", "Add", "MaxPool", "GlobalAveragePool"],
        # TensorRT reads no int32 biases; they are float there.
        extra_options={"ActivationSymmetric": symmetric, "WeightSymmetric": True, "QuantizeBias": not symmetric},
    )


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Without what onnxruntime logs: that a uint8 input is not quantized, and a traceback of what it raises anyway."""
    logging.disable(logging.ERROR)
    try:
        yield
    finally:
        logging.disable(logging.NOTSET)


def calibration_sample(data: DataSet, indices: list[int] | None = None, most: int = CALIBRATION_PICTURES) -> Images:
    """Up to `most` pictures, both classes alike, spread evenly over the data's order: uint8 (N, H, W, 3)."""
    chosen = np.arange(len(data.samples)) if indices is None else np.array(indices)
    labels = data.labels[chosen]
    picked: list[int] = []
    for label in (0, 1):
        members = chosen[labels == label]
        count = min(len(members), most // 2)
        picked += [int(index) for index in members[np.linspace(0, len(members) - 1, count).astype(int)]]
    return np.array(data.images[sorted(picked)])


def check_drop(change: Change, max_drop: float) -> None:
    """Raises: TrainingError when int8 loses more than max_drop of mean accuracy (0 to 1)."""
    if change.drop > max_drop + 1e-9:  # 1 - 0.995 is above 0.005
        raise TrainingError(
            f"int8 loses {100 * change.drop:.2f} points of mean accuracy, and at most {100 * max_drop:g} are accepted "
            f"({change.words()}); nothing was written. Judge, and calibrate a static one, on more pictures, "
            "or keep the float model."
        )


def quantize_checked(
    source: Path, target: Path, calibration: Images | None, judged: DataSet, max_drop: float
) -> Change:
    """Quantize, and keep the result only if accuracy on `judged` holds. Returns: the change in mean accuracy.

    Raises: TrainingError above max_drop; nothing is left at `target` then.
    """
    partial = target.with_suffix(".partial.onnx")
    try:
        quantize(source, partial, calibration)
        before, after = (
            answers_of(judged.samples, in_batches(onnxruntime_run(path), judged.images)) for path in (source, partial)
        )
        change = Change.between(before, after)
        check_drop(change, max_drop)
        partial.replace(target)
    finally:
        partial.unlink(missing_ok=True)
    return change
