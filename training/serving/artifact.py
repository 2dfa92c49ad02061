"""Artifacts: weights, manifest and golden picture in a folder, checked as the server that loads it does."""

import json
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from loky import cpu_count

from resnet_server.engines import Engine, load_engine
from resnet_server.errors import ArtifactError
from resnet_server.manifest import MANIFEST_NAME, Manifest, file_sha256, load_manifest
from resnet_server.preprocess import PreprocessSpec, preprocess
from training.errors import TrainingError
from training.learning.augment import augment
from training.learning.network import MEAN, STD
from training.learning.recipes import Recipe
from training.photos.data import LABELS, MAX_PIXELS, Images
from training.serving.export import BATCHES, check_agreement
from training.serving.golden import draw_golden

GOLDEN = "golden.png"
ENGINES = {".onnx": ("onnxruntime", "openvino"), ".pth": ("pytorch",)}
# ONNX Runtime and OpenVINO round int8 differently: 0.08 is the most seen on photos. 7-bit weights cannot overflow, so a
# CPU without VNNI or AMX adds nothing. Another network's logits are off by more than 1: untrained ones are near zero.
GOLDEN_TOLERANCE = 0.25


@dataclass(frozen=True)
class Facts:
    """What a manifest says that the weights do not. Sizes in pixels."""

    name: str
    architecture: str
    height: int
    width: int
    downscale: int
    seed: int
    data_sha256: str
    parent: str | None = None
    temperature: float = 1.0
    metrics: dict[str, Any] = field(default_factory=lambda: {"measured_on": "nothing"})


def facts_of_recipe(recipe: Recipe, name: str, seed: int, data_sha256: str) -> Facts:
    """Of what a recipe trains."""
    return Facts(name, recipe.architecture, recipe.height, recipe.width, recipe.downscale, seed, data_sha256)


def facts_of_child(parent: Manifest) -> Facts:
    """Of what is made from another artifact: all is inherited."""
    made, metrics = parent.document["made_by"], parent.document["metrics"]
    return Facts(
        name=parent.document["name"],
        architecture=parent.architecture,
        height=parent.height,
        width=parent.width,
        downscale=parent.downscale,
        seed=made["seed"],
        data_sha256=made["data_sha256"],
        parent=parent.version,
        temperature=parent.temperature,
        metrics=metrics,
    )


def with_metrics(facts: Facts, document: dict[str, Any]) -> Facts:
    """The facts with a temperature and metrics as `calibrate` and `evaluate` write them."""
    metrics = {key: value for key, value in document.items() if key != "temperature"}
    return replace(facts, temperature=document.get("temperature", facts.temperature), metrics=metrics)


def read_artifact(folder: Path) -> Manifest:
    """The manifest of an artifact whose files are whole.

    Raises: TrainingError when it is not.
    """
    try:
        return load_manifest(folder)
    except ArtifactError as exc:
        raise TrainingError(f"{str(exc).removesuffix('.')}; give a folder that train or package wrote.") from exc


def write_artifact(folder: Path, weights: Path, facts: Facts) -> Manifest:
    """Write `folder`, the manifest last, and check it as a server will.

    Raises: TrainingError when the weights do not run, or engines disagree about them.
    """
    folder.mkdir(parents=True, exist_ok=True)
    target = folder / f"model{weights.suffix}"
    if target.resolve() != weights.resolve():
        shutil.copyfile(weights, target)
    (folder / GOLDEN).write_bytes(draw_golden())
    document = manifest_document(folder, target, facts)
    path = folder / MANIFEST_NAME
    path.write_text(json.dumps(document, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    manifest = read_artifact(folder)
    # What the golden picture is answered with is known only once the rest can be loaded.
    _, engine = next(engines_of(manifest))
    logits = engine.infer(golden_views(manifest)[:1])[0]
    document["golden"]["logits"] = [round(float(value), 4) for value in logits]
    path.write_text(json.dumps(document, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    for _ in verify(folder):
        pass
    return read_artifact(folder)


def verify(folder: Path) -> Iterator[str]:
    """Do what a server does before it serves, in every engine that runs these weights; yields a line for each check.

    Raises: TrainingError at the first check that fails.
    """
    manifest = read_artifact(folder)
    yield f"manifest valid, sha256 of {manifest.weights.name} and {manifest.golden_image.name} as it says"
    engines = dict(engines_of(manifest))
    yield f"loaded by {', '.join(engines)}"
    views = golden_views(manifest)
    for name, engine in engines.items():
        logits = engine.infer(views[:1])
        gap = float(np.abs(logits - manifest.golden_logits).max())
        if not gap <= manifest.golden_tolerance:  # NaN is not
            raise TrainingError(
                f"{name} answers the golden picture with {logits[0].tolist()}, the manifest says "
                f"{list(manifest.golden_logits)} within {manifest.golden_tolerance}; do not serve it, package it again."
            )
        yield f"{name} answers the golden picture as it should (off by {gap:.4f} of {manifest.golden_tolerance})"
    gap = check_agreement([engine.infer for engine in engines.values()], views, manifest.golden_tolerance)
    yield f"batches of {', '.join(map(str, BATCHES))} are answered alike (within {gap:.4f})"


def engines_of(manifest: Manifest) -> Iterator[tuple[str, Engine]]:
    """Every engine that runs these weights.

    Raises: TrainingError when one cannot load them.
    """
    for name in ENGINES.get(manifest.weights.suffix, ()):
        try:
            yield name, load_engine(name, manifest, cpu_count())
        except ArtifactError as exc:
            raise TrainingError(str(exc)) from exc


def golden_views(manifest: Manifest) -> Images:
    """The golden picture as served, then augmented views of it, as many as the largest batch: uint8 (N, H, W, 3)."""
    spec = PreprocessSpec(manifest.height, manifest.width, MAX_PIXELS)
    served, _ = preprocess(manifest.golden_image.read_bytes(), spec)
    seeds = range(max(BATCHES) - 1)
    views = [augment(served, manifest.height, manifest.width, np.random.default_rng(seed)) for seed in seeds]
    return np.stack([served, *views])


def manifest_document(folder: Path, weights: Path, facts: Facts) -> dict[str, Any]:
    """The manifest, as contracts/manifest.schema.json wants it; the golden logits are still to be filled in."""
    sha256 = file_sha256(weights)
    return {
        "schema_version": 1,
        "name": facts.name,
        "version": f"{facts.name}-{sha256[:8]}",
        "architecture": facts.architecture,
        "labels": list(LABELS),
        "temperature": facts.temperature,
        "input": {
            "height": facts.height,
            "width": facts.width,
            "downscale": facts.downscale,
            "pixel_format": "RGB",
            "mean": list(MEAN),
            "std": list(STD),
        },
        "weights": {"file": weights.name, "sha256": sha256},
        "golden": {
            "file": GOLDEN,
            "sha256": file_sha256(folder / GOLDEN),
            "logits": [0.0, 0.0],
            "tolerance": GOLDEN_TOLERANCE,
        },
        "made_by": {
            "git_sha": git_sha(),
            "command": shlex.join(["python", "-m", "training", *sys.argv[1:]]),
            "seed": facts.seed,
            "data_sha256": facts.data_sha256,
            "parent": facts.parent,
        },
        "metrics": facts.metrics,
    }


def git_sha() -> str:
    """The commit that is checked out, or "unreleased" where there is none."""
    try:
        found = subprocess.run(["git", "rev-parse", "--verify", "HEAD"], capture_output=True, text=True, check=False)
    except FileNotFoundError:
        return "unreleased"
    return found.stdout.strip() if found.returncode == 0 else "unreleased"
