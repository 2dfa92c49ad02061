"""Artifact to artifact: the same network as ONNX, in int8, or under another name with its metrics."""

import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

from resnet_server.manifest import Manifest
from training.errors import TrainingError
from training.judging.judged import say_skipped
from training.learning.network import ARCHITECTURES, load_trained
from training.photos.data import load
from training.serving.artifact import (
    Facts,
    check_name,
    facts_of_child,
    golden_views,
    read_artifact,
    with_metrics,
    write_artifact,
)
from training.serving.export import (
    FLOAT_TOLERANCE,
    check_agreement,
    export,
    onnxruntime_run,
    openvino_run,
    read_graph,
    torch_run,
)
from training.serving.measured import check_measured
from training.serving.quantize import quantize_checked


def export_artifact(source: Path, target: Path) -> float:
    """A .pth artifact as ONNX. Returns: the largest gap between three engines' logits.

    Raises: TrainingError when the source holds no .pth, or the engines disagree; nothing is at `target` then.
    """
    manifest = read_artifact(source)
    if manifest.weights.suffix != ".pth":
        raise TrainingError(f"{source} holds {manifest.weights.name}; only what train wrote (.pth) can be exported.")
    check_new(target)
    network = load_trained(manifest.weights, manifest.architecture, manifest.downscale)
    with tempfile.TemporaryDirectory() as folder:
        onnx = Path(folder) / "model.onnx"
        export(network, onnx, manifest.height, manifest.width)
        runs = [torch_run(network), onnxruntime_run(onnx), openvino_run(onnx)]
        gap = check_agreement(runs, golden_views(manifest), FLOAT_TOLERANCE)
        write_artifact(target, onnx, facts_of_child(manifest))
    return gap


def quantize_artifact(source: Path, data: Path, target: Path, *, max_drop: float, cache: Path) -> float:
    """An ONNX artifact in int8. Returns: the drop in mean accuracy on `data`.

    Raises: TrainingError when it is larger than max_drop or the source is int8 already; nothing is at `target` then.
    """
    manifest = read_artifact(source)
    if manifest.weights.suffix != ".onnx":
        raise TrainingError(f"{source} holds {manifest.weights.name}; export it first: python -m training export.")
    if any(node.op_type == "QuantizeLinear" for node in read_graph(manifest.weights).node):
        raise TrainingError(f"{source} is quantized already; quantize the artifact that export wrote.")
    check_new(target)
    pictures = load(data, manifest.height, manifest.width, cache)
    say_skipped(pictures.skipped)
    with tempfile.TemporaryDirectory() as folder:
        int8 = Path(folder) / "model.onnx"
        drop = quantize_checked(manifest.weights, int8, pictures, max_drop)
        write_artifact(target, int8, facts_of_child(manifest))
    return drop


def package(
    weights: Path,
    target: Path,
    *,
    like: Path | None,
    metrics: dict[str, Any] | None,
    name: str | None,
    architecture: str,
    height: int,
    width: int,
) -> Manifest:
    """An artifact of another artifact, or of a bare weights file with the facts of `like` or the given ones.

    `target` is new, or `weights` itself, an artifact that gets other metrics or another name.
    Raises: TrainingError when the weights are missing, of another kind or do not run, the metrics are of others, the
    name cannot be one or the target holds something else; nothing is changed then.
    """
    if name is not None:
        check_name(name)
    if target.resolve() != weights.resolve():
        check_new(target)
    if weights.is_dir():
        source = read_artifact(weights)
        facts, file = facts_of_child(source), source.weights
        facts = replace(facts, parent=source.document["made_by"]["parent"])  # the same model, not a child of it
    elif like is not None:
        facts, file = facts_of_child(read_artifact(like)), weights
    else:
        if architecture not in ARCHITECTURES:
            raise TrainingError(f"{architecture} is not known; choose one of {', '.join(ARCHITECTURES)}.")
        facts, file = Facts("class-photos", architecture, height, width, 1, seed=0, data_sha256="unknown"), weights
    check_weights(file, facts)
    if metrics:
        check_measured(metrics, file)
    facts = replace(facts, name=name or facts.name)
    return write_artifact(target, file, with_metrics(facts, metrics) if metrics else facts)


def check_weights(file: Path, facts: Facts) -> None:
    """Raises: TrainingError when the file is not there, of an unknown kind, or a .pth of another network."""
    if not file.is_file():
        raise TrainingError(f"{file} is not there; give an artifact, a .onnx file or a .pth state dictionary.")
    if file.suffix not in {".onnx", ".pth"}:
        raise TrainingError(f"{file} is neither .onnx nor .pth; those are what the engines run.")
    if file.suffix == ".pth":
        load_trained(file, facts.architecture, facts.downscale)


def check_new(folder: Path) -> None:
    """Raises: TrainingError when the folder holds something already."""
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise TrainingError(f"{folder} exists already; name another folder, or remove it first.")
