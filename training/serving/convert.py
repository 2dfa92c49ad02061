"""Artifact to artifact: the same network as ONNX, in int8, or under another name with its metrics."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from resnet_server.engines.pytorch import UInt8Network
from resnet_server.manifest import Manifest
from training.errors import TrainingError
from training.judging.judged import say_skipped
from training.judging.paired import Change
from training.learning.network import ARCHITECTURES, load_trained
from training.photos.data import load
from training.photos.folders import check_empty, check_new, scratch
from training.photos.parts import part_or_whole
from training.serving.artifact import (
    Facts,
    check_name,
    check_normalised,
    facts_like,
    facts_of_child,
    read_artifact,
    read_checked,
    with_metrics,
    write_artifact,
)
from training.serving.export import (
    BATCHES,
    FLOAT_TOLERANCE,
    check_agreement,
    check_interface,
    check_top1,
    export,
    onnxruntime_run,
    openvino_run,
    read_graph,
    torch_run,
)
from training.serving.measured import check_measured
from training.serving.quantize import calibration_sample, quantize_checked

EXPORT_PICTURES = 28  # four batches of the largest size that is tried
QUANTIZED = {"QuantizeLinear", "DynamicQuantizeLinear"}


def network_of(source: Path) -> tuple[Manifest, UInt8Network]:
    """The manifest and the network of an artifact, ready to answer; of an int8 one the floats that it stands for.

    Raises: TrainingError when its weights cannot be read, or answer otherwise than it says.
    """
    manifest = read_checked(source)
    check_normalised(manifest)
    return manifest, load_trained(manifest.weights, manifest.architecture)


def export_artifact(source: Path, target: Path, data: Path, cache: Path) -> str:
    """A .pth artifact as ONNX. Returns: how nearly three engines agree on EXPORT_PICTURES of `data`.

    Raises: TrainingError when the source holds no .pth, or the engines disagree; nothing is at `target` then.
    """
    held = read_artifact(source).weights
    if held.suffix != ".pth":
        raise TrainingError(f"{source} holds {held.name}; only what train wrote (.pth) can be exported.")
    check_new(target, data)
    manifest, network = network_of(source)
    pictures = load(part_or_whole(data, "val"), manifest.height, manifest.width, cache)
    say_skipped(pictures.skipped)
    images = calibration_sample(pictures, most=EXPORT_PICTURES)
    many = images[np.arange(max(len(images), *BATCHES)) % len(images)]  # the few again and again, to fill each batch
    with scratch() as folder:
        onnx = folder / "model.onnx"
        export(network, onnx, manifest.height, manifest.width)
        runs = [torch_run(network), onnxruntime_run(onnx), openvino_run(onnx)]
        gap = check_agreement(runs, many, FLOAT_TOLERANCE)
        check_top1(runs, images)
        write_artifact(target, onnx, facts_of_child(manifest))
    return (
        f"PyTorch, ONNX Runtime and OpenVINO agree within {gap:.6f} of a logit ({FLOAT_TOLERANCE} is accepted) at "
        f"batch {', '.join(map(str, BATCHES))}, and on the class of each of {len(images)} pictures of {data.name}"
    )


def float_onnx(source: Path) -> Manifest:
    """The manifest of what export wrote.

    Raises: TrainingError when the source holds a .pth, is int8 already, or answers otherwise than it says.
    """
    manifest = read_artifact(source)
    if manifest.weights.suffix != ".onnx":
        raise TrainingError(f"{source} holds {manifest.weights.name}; export it first: python -m training export.")
    graph = read_graph(manifest.weights)
    if any(node.op_type in QUANTIZED for node in graph.node):
        raise TrainingError(f"{source} is quantized already; give the float artifact that export wrote.")
    check_interface(graph, manifest.weights, manifest.height, manifest.width)
    return read_checked(source)


def quantize_artifact(
    source: Path, data: Path, target: Path, *, max_drop: float, cache: Path, dynamic: bool = False
) -> Change:
    """An ONNX artifact in int8. Returns: the change in mean accuracy.

    Of what split wrote, train calibrates and val judges; a plain data set does both.
    Raises: TrainingError when it drops by more than max_drop or the source is int8; nothing is at `target` then.
    """
    manifest = float_onnx(source)
    check_new(target, data)
    judged_on, calibrated_on = part_or_whole(data, "val"), part_or_whole(data, "train")
    pictures = load(judged_on, manifest.height, manifest.width, cache)
    say_skipped(pictures.skipped)
    calibration = None
    if not dynamic:
        seen = load(calibrated_on, manifest.height, manifest.width, cache)
        if calibrated_on != judged_on:
            say_skipped(seen.skipped)
        calibration = calibration_sample(seen)
    with scratch() as folder:
        int8 = folder / "model.onnx"
        change = quantize_checked(manifest.weights, int8, calibration, pictures, max_drop)
        facts = replace(facts_of_child(manifest), metrics={"measured_on": "nothing: quantized, and not evaluated yet"})
        write_artifact(target, int8, facts)
    return change


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
        check_empty(target)
    if weights.is_dir():
        source = read_artifact(weights)
        facts, file = facts_of_child(source), source.weights
        facts = replace(facts, parent=source.document["made_by"]["parent"])  # the same model, not a child of it
    elif like is not None:
        facts, file = facts_like(read_artifact(like)), weights
    else:
        if architecture not in ARCHITECTURES:
            raise TrainingError(f"{architecture} is not known; choose one of {', '.join(ARCHITECTURES)}.")
        facts, file = Facts("class-photos", architecture, height, width, seed=0, data_sha256="unknown"), weights
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
        load_trained(file, facts.architecture)
