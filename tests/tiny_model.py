"""A real artifact that takes a moment: the network answers "online" for bright pictures, by one matrix product."""

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from tests.pictures import encode, screen

HEIGHT, WIDTH = 40, 32
# mean of r, g, b in 0..255 → (offline, online): equal at mid-grey, e.g. (-6.375, 6.375) for white
WEIGHTS = np.full((3, 2), [-1 / 60, 1 / 60], dtype=np.float32)
BIAS = np.array([6.375, -6.375], dtype=np.float32)


def brightness_logits(rgb: tuple[float, float, float]) -> list[float]:
    """What the network answers for a picture of this mean colour."""
    return [float(value) for value in np.asarray(rgb) @ WEIGHTS + BIAS]


def graph(*, answers_nan: bool = False, sign: int = 1) -> onnx.ModelProto:
    """uint8 `image` (N, 40, 32, 3) → float32 `logits` (N, 2)."""
    bias = np.float32("nan" if answers_nan else sign) * BIAS
    nodes = [
        helper.make_node("Cast", ["image"], ["pixels"], to=TensorProto.FLOAT),
        helper.make_node("ReduceMean", ["pixels", "axes"], ["mean"], keepdims=0),
        helper.make_node("Gemm", ["mean", "weights", "bias"], ["logits"]),
    ]
    constants: dict[str, np.ndarray] = {
        "axes": np.array([1, 2], dtype=np.int64),
        "weights": np.float32(sign) * WEIGHTS,
        "bias": bias,
    }
    initializers = [numpy_helper.from_array(value, name) for name, value in constants.items()]
    image = helper.make_tensor_value_info("image", TensorProto.UINT8, ["batch", HEIGHT, WIDTH, 3])
    logits = helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["batch", 2])
    body = helper.make_graph(nodes, "brightness", [image], [logits], initializers)
    return helper.make_model(body, opset_imports=[helper.make_opsetid("", 18)], ir_version=10)


def sha256(path: Path) -> str:
    """The hash that a manifest gives for a file."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def write_artifact(folder: Path, *, answers_nan: bool = False, sign: int = 1, **changes: Any) -> Path:
    """Write model.onnx, golden.png and manifest.json; `changes` replace fields of the manifest.

    With the sign -1 it answers the opposite.
    """
    folder.mkdir(parents=True, exist_ok=True)
    onnx.save(graph(answers_nan=answers_nan, sign=sign), folder / "model.onnx")
    golden = screen(WIDTH, HEIGHT)
    (folder / "golden.png").write_bytes(encode(golden))
    mean = np.asarray(golden, dtype=np.float64).mean(axis=(0, 1))
    document: dict[str, Any] = {
        "schema_version": 1,
        "name": "tiny",
        "version": "tiny-1",
        "architecture": "resnet18",
        "labels": ["offline", "online"],
        "input": {
            "height": HEIGHT,
            "width": WIDTH,
            "pixel_format": "RGB",
            "mean": [0.5, 0.5, 0.5],
            "std": [0.25, 0.25, 0.25],
        },
        "weights": {"file": "model.onnx", "sha256": sha256(folder / "model.onnx")},
        "golden": {
            "file": "golden.png",
            "sha256": sha256(folder / "golden.png"),
            "logits": [sign * value for value in brightness_logits((mean[0], mean[1], mean[2]))],
            "tolerance": 0.01,
        },
        "made_by": {"git_sha": "0", "command": "tests", "seed": 0, "data_sha256": "0", "parent": None},
        "metrics": {"measured_on": "nothing"},
    }
    (folder / "manifest.json").write_text(json.dumps(document | changes), encoding="utf-8")
    return folder
