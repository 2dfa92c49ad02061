"""Puts weights, manifest and golden picture into the folder that a server loads."""

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import torch

from resnet_server.engines import load_engine
from resnet_server.errors import ArtifactError
from resnet_server.manifest import MANIFEST_NAME, Manifest, file_sha256, load_manifest
from resnet_server.preprocess import PreprocessSpec, preprocess
from training.augment import augment
from training.data import LABELS, MAX_PIXELS, Images
from training.errors import TrainingError
from training.export import BATCHES, check_agreement, onnxruntime_run
from training.golden import draw_golden
from training.network import ARCHITECTURE, MEAN, STD
from training.train import SERVED_HEIGHT, SERVED_WIDTH

WEIGHTS, GOLDEN = "model.onnx", "golden.png"
MAX_BYTES = 12_000_000
# ONNX Runtime and OpenVINO round int8 differently: 0.08 is the most seen on photos. 7-bit weights cannot overflow, so a
# CPU without VNNI or AMX adds nothing. Another network's logits are off by more than 1: untrained ones are near zero.
GOLDEN_TOLERANCE = 0.25
MIN_GOLDEN_MARGIN = 1.0  # online minus offline: a probability of 0.73
COMMAND = """python -m training cross-validate PATH_TO_IMAGES runs --threads 1
python -m training calibrate runs
python -m training train PATH_TO_IMAGES runs/final.pt --threads 1
python -m training export runs/final.pt runs/final.onnx
python -m training quantise runs/final.onnx PATH_TO_IMAGES runs/final-int8.onnx
python -m training package runs/final-int8.onnx runs/final.pt runs/metrics.json resnet_server/default_model"""


def package(
    weights: Path, checkpoint: Path, metrics: dict[str, Any], folder: Path, name: str, command: str
) -> Manifest:
    """Write the artifact `folder` and check it as a server will. `metrics`: of training.calibrate.measure.

    Raises: TrainingError when the golden picture is not clearly online, the engines disagree or the folder is too big;
    what was written stays there to be looked at.
    """
    folder.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(weights, folder / WEIGHTS)
    (folder / GOLDEN).write_bytes(draw_golden())
    logits = golden_logits(folder)
    document = manifest_document(folder, checkpoint, metrics, name, command, logits)
    path = folder / MANIFEST_NAME
    path.write_text(json.dumps(document, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    manifest = verify(folder)
    total = sum(file.stat().st_size for file in folder.iterdir())
    if total > MAX_BYTES:
        raise TrainingError(f"{folder} has {total} bytes; at most {MAX_BYTES} are accepted.")
    return manifest


def verify(folder: Path) -> Manifest:
    """Load the artifact as a server does, in both ONNX engines, and compare them at batch 1, 2 and 7.

    Raises: TrainingError when the artifact is not valid or an engine answers otherwise than the manifest says.
    """
    try:
        manifest = load_manifest(folder)
        engines = [load_engine(name, manifest, torch.get_num_threads()) for name in ("onnxruntime", "openvino")]
    except ArtifactError as exc:
        raise TrainingError(str(exc)) from exc
    views = golden_views(manifest.golden_image.read_bytes())
    runs = [engine.infer for engine in engines]
    check_agreement(runs, views, manifest.golden_tolerance)
    for run in runs:
        gap = float(np.abs(run(views[:1])[0] - manifest.golden_logits).max())
        if gap > manifest.golden_tolerance:
            raise TrainingError(f"The golden picture's logits are off by {gap:.3f}.")
    return manifest


def golden_logits(folder: Path) -> list[float]:
    """The golden picture's logits by ONNX Runtime.

    Raises: TrainingError when they are not clearly online.
    """
    views = golden_views((folder / GOLDEN).read_bytes())
    offline, online = (float(value) for value in onnxruntime_run(folder / WEIGHTS)(views[:1])[0])
    if online - offline < MIN_GOLDEN_MARGIN:
        raise TrainingError(f"The golden picture is not clearly online: logits {offline:.3f}, {online:.3f}.")
    return [round(offline, 4), round(online, 4)]


def golden_views(golden: bytes) -> Images:
    """The golden picture as served, then augmented views of it, as many as the largest batch: uint8 (N, H, W, 3)."""
    served, _ = preprocess(golden, PreprocessSpec(SERVED_HEIGHT, SERVED_WIDTH, MAX_PIXELS))
    views = [augment(served, SERVED_HEIGHT, SERVED_WIDTH, np.random.default_rng(n)) for n in range(max(BATCHES) - 1)]
    return np.stack([served, *views])


def manifest_document(
    folder: Path, checkpoint: Path, metrics: dict[str, Any], name: str, command: str, logits: list[float]
) -> dict[str, Any]:
    """The manifest, as contracts/manifest.schema.json wants it."""
    made = torch.load(checkpoint, map_location="cpu", weights_only=True)
    weights_sha256 = file_sha256(folder / WEIGHTS)
    measured = {key: value for key, value in metrics.items() if key != "temperature"}
    return {
        "schema_version": 1,
        "name": name,
        "version": f"{name}-{weights_sha256[:8]}",
        "architecture": ARCHITECTURE,
        "labels": list(LABELS),
        "temperature": metrics["temperature"],
        "input": {
            "height": SERVED_HEIGHT,
            "width": SERVED_WIDTH,
            "pixel_format": "RGB",
            "mean": list(MEAN),
            "std": list(STD),
        },
        "weights": {"file": WEIGHTS, "sha256": weights_sha256},
        "golden": {
            "file": GOLDEN,
            "sha256": file_sha256(folder / GOLDEN),
            "logits": logits,
            "tolerance": GOLDEN_TOLERANCE,
        },
        "made_by": {
            "git_sha": git_sha(),
            "command": command,
            "seed": made["seed"],
            "data_sha256": made["data_sha256"],
            "parent": None,
        },
        "metrics": measured,
    }


def git_sha() -> str:
    """The commit that is checked out, or "unreleased" before the first."""
    found = subprocess.run(["git", "rev-parse", "--verify", "HEAD"], capture_output=True, text=True, check=False)
    return found.stdout.strip() if found.returncode == 0 else "unreleased"
