"""Artifacts: weights, manifest and golden picture in a folder, checked as the server that loads it does."""

import json
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from resnet_server.errors import ArtifactError
from resnet_server.manifest import MANIFEST_NAME, Manifest, file_sha256, load_manifest
from resnet_server.preprocess import PreprocessSpec, preprocess
from training.errors import TrainingError
from training.judging.answers import Logits
from training.learning.augment import augment
from training.learning.network import MEAN, STD
from training.learning.recipes import Recipe
from training.photos.data import LABELS, MAX_PIXELS, Images
from training.photos.folders import link_or_copy
from training.serving.engines import Model, load, loaded
from training.serving.export import BATCHES, check_agreement
from training.serving.golden import draw_golden
from training.serving.measured import field_schema

GOLDEN = "golden.png"
# ONNX Runtime and OpenVINO round int8 differently: 0.08 is the most seen on photos, whose logits were within 4. Larger
# logits are off by more, so from 25 on a share of them counts. 7-bit weights cannot overflow, so a CPU without VNNI or
# AMX adds nothing. Another trained network's logits are off by more than 1. Known limit: where all logits stay within
# 0.3 (untrained, or the last layer trained briefly) one network passes for another; only the hash tells them apart.
GOLDEN_TOLERANCE = 0.25
RELATIVE_TOLERANCE = 0.01


@dataclass(frozen=True)
class Facts:
    """What a manifest says that the weights do not. Sizes in pixels."""

    name: str
    architecture: str
    height: int
    width: int
    seed: int
    data_sha256: str
    parent: str | None = None
    temperature: float = 1.0
    metrics: dict[str, Any] = field(default_factory=lambda: {"measured_on": "nothing"})


def facts_of_recipe(recipe: Recipe, name: str, seed: int, data_sha256: str) -> Facts:
    """Of what a recipe trains."""
    return Facts(name, recipe.architecture, recipe.height, recipe.width, seed, data_sha256)


def facts_like(other: Manifest) -> Facts:
    """Of other weights for the same network: what was measured of `other`, and what made it, says nothing of them."""
    return Facts(other.document["name"], other.architecture, other.height, other.width, seed=0, data_sha256="unknown")


def facts_of_child(parent: Manifest) -> Facts:
    """Of what is made from another artifact: all is inherited.

    Raises: TrainingError for one that is normalised by other numbers than all that this package makes.
    """
    check_normalised(parent)
    made, metrics = parent.document["made_by"], parent.document["metrics"]
    return Facts(
        name=parent.document["name"],
        architecture=parent.architecture,
        height=parent.height,
        width=parent.width,
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


def read_checked(folder: Path) -> Manifest:
    """The manifest of an artifact that answers its golden picture as it says: before another inherits it, or is judged.

    Raises: TrainingError when it does not.
    """
    manifest = read_artifact(folder)
    engine = "pytorch" if manifest.weights.suffix == ".pth" else "onnxruntime"
    check_golden(engine, load(manifest, engine, torch.get_num_threads()), golden_views(manifest))
    return manifest


def check_normalised(manifest: Manifest) -> None:
    """Raises: TrainingError for one that is normalised by other numbers than all that this package makes."""
    if (manifest.mean, manifest.std) != (MEAN, STD):
        raise TrainingError(
            f"{manifest.folder} is normalised by mean {manifest.mean} and std {manifest.std}; only ImageNet's, {MEAN} "
            f"and {STD}, can be carried on."
        )


def check_name(name: str) -> None:
    """Raises: TrainingError when a model cannot be called so: the manifest's schema limits name and version."""
    given = {"name": name, "version": version_of(name, "0" * 64)}
    if not all(re.fullmatch(field_schema(field)["pattern"], text) for field, text in given.items()):
        raise TrainingError(
            f'"{name}" cannot be the name of a model; take 1 to 55 letters of a to z, digits, dots, dashes and '
            "underscores."
        )


def version_of(name: str, weights_sha256: str) -> str:
    """The version of a model: its name and the first 8 hex digits of its weights' hash."""
    return f"{name}-{weights_sha256[:8]}"


def write_artifact(folder: Path, weights: Path, facts: Facts) -> Manifest:
    """Write weights, golden picture and manifest, checked as a server will, and only then put them into `folder`.

    A folder that is not there appears whole. One that is there (a run's own) gets the three files, the manifest last;
    what else it holds stays.
    Raises: TrainingError when the weights do not run, or engines disagree about them; `folder` is as it was then.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".", dir=folder if folder.exists() else folder.parent) as room:
        staged = Path(room) / "artifact"
        staged.mkdir()
        file = staged / f"model{weights.suffix}"
        # A link where the weights are in the folder already. Elsewhere a copy: what changes later is not the artifact.
        (link_or_copy if weights.resolve().parent == folder.resolve() else shutil.copyfile)(weights, file)
        try:
            build(staged, file, facts)
        except TrainingError as exc:
            raise TrainingError(str(exc).replace(str(file), str(weights)).replace(str(staged), str(folder))) from exc
        if folder.exists():
            for name in (file.name, GOLDEN, MANIFEST_NAME):
                (staged / name).replace(folder / name)
        else:
            staged.rename(folder)
    return read_artifact(folder)


def build(folder: Path, weights: Path, facts: Facts) -> None:
    """Add golden picture and manifest to the weights, and check the whole.

    Raises: TrainingError when the weights do not run, or engines disagree about them.
    """
    (folder / GOLDEN).write_bytes(draw_golden())
    document = manifest_document(folder, weights, facts)
    path = folder / MANIFEST_NAME
    path.write_text(json.dumps(document, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    manifest = read_artifact(folder)
    # What the golden picture is answered with is known only once the rest can be loaded.
    _, model = next(loaded(manifest))
    logits = model.logits(golden_views(manifest)[:1])
    document["golden"]["logits"] = [round(float(value), 4) for value in logits[0]]
    document["golden"]["tolerance"] = tolerance_of(logits, GOLDEN_TOLERANCE)
    path.write_text(json.dumps(document, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    for _ in verify(folder):
        pass


def tolerance_of(logits: Logits, least: float) -> float:
    """How far two engines' logits may be apart: `least`, or RELATIVE_TOLERANCE of the largest where that is more."""
    return round(max(least, RELATIVE_TOLERANCE * float(np.abs(logits).max())), 4)


def verify(folder: Path) -> Iterator[str]:
    """Do what a server does before it serves, in every engine that runs these weights; yields a line for each check.

    Raises: TrainingError at the first check that fails.
    """
    manifest = read_artifact(folder)
    yield f"manifest valid, sha256 of {manifest.weights.name} and {manifest.golden_image.name} as it says"
    models = dict(loaded(manifest))
    yield f"loaded by {', '.join(models)}"
    views = golden_views(manifest)
    for name, model in models.items():
        gap = check_golden(name, model, views)
        yield f"{name} answers the golden picture as it should (off by {gap:.4f} of {manifest.golden_tolerance})"
    tolerance = tolerance_of(model.logits(views), manifest.golden_tolerance)
    gap = check_agreement([each.logits for each in models.values()], views, tolerance)
    yield f"batches of {', '.join(map(str, BATCHES))} are answered alike (within {gap:.4f})"


def check_golden(name: str, model: Model, views: Images) -> float:
    """How far the first of the views is answered from what the manifest says.

    Raises: TrainingError when that is further than it accepts.
    """
    manifest, logits = model.manifest, model.logits(views[:1])
    gap = float(np.abs(logits - manifest.golden_logits).max())
    if gap > manifest.golden_tolerance:
        raise TrainingError(
            f"{name} answers the golden picture with {logits[0].tolist()}, the manifest says "
            f"{list(manifest.golden_logits)} within {manifest.golden_tolerance}; do not serve it, package it again."
        )
    return gap


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
        "version": version_of(facts.name, sha256),
        "architecture": facts.architecture,
        "labels": list(LABELS),
        "temperature": facts.temperature,
        "input": {
            "height": facts.height,
            "width": facts.width,
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
    """The commit of this code, wherever it is called from; "unreleased" where it is no checkout."""
    command = ["git", "rev-parse", "--verify", "HEAD"]
    try:
        found = subprocess.run(command, cwd=Path(__file__).parent, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        return "unreleased"
    return found.stdout.strip() if found.returncode == 0 else "unreleased"
