"""Trains the recipe once a fold and asks about the fold it did not see: every repository is held out once, whole."""

import csv
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from training.data import LABELS, DataSet
from training.errors import TrainingError
from training.export import export, in_batches, load_checkpoint, onnxruntime_run
from training.predict import Logits, predict
from training.quantise import calibration_sample, quantise
from training.split import grouped_folds
from training.train import RECIPE, Recipe, save_checkpoint, train

FOLDS = 4
COLUMNS = ("path", "group", "label", "offline", "online", "float_offline", "float_online")


@dataclass(frozen=True)
class HeldOut:
    """Answers about pictures of groups that the answering model never saw; row i belongs to paths[i]."""

    paths: list[str]
    groups: np.ndarray  # str (N,)
    labels: np.ndarray  # int64 (N,)
    logits: Logits  # (N, 2), by the int8 model, the form that ships
    float_logits: Logits  # (N, 2), before quantisation


def run_fold(
    canvases: DataSet,
    served: DataSet,
    fold: int,
    out: Path,
    *,
    seed: int,
    folds: int = FOLDS,
    recipe: Recipe = RECIPE,
) -> Path:
    """Train on the other folds, export, quantise, and write this fold's answers to fold-N.csv; what exists is kept.

    `canvases` and `served` are the same pictures, decoded for cropping and at the served size.
    """
    table, checkpoint = out / f"fold-{fold}.csv", out / f"fold-{fold}.pt"
    if table.exists():
        return table
    held_out = grouped_folds(canvases.samples, folds)[fold]
    seen = sorted(set(range(len(canvases.samples))) - set(held_out))
    if not checkpoint.exists():
        model = train(canvases, seen, recipe, seed, out / f"fold-{fold}-history.csv")
        save_checkpoint(checkpoint, model, recipe, seed, canvases.sha256)
    model = load_checkpoint(checkpoint)
    onnx, int8 = out / f"fold-{fold}.onnx", out / f"fold-{fold}-int8.onnx"
    export(model, onnx, *served.images.shape[1:3])
    quantise(onnx, int8, calibration_sample(served, seen))
    images = served.images[held_out]
    write_answers(table, served, held_out, in_batches(onnxruntime_run(int8), images), predict(model, images))
    return table


def write_answers(path: Path, data: DataSet, indices: list[int], logits: Logits, float_logits: Logits) -> None:
    """One row a picture; logits to 5 decimals."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(COLUMNS)
        for index, values in zip(indices, np.hstack([logits, float_logits]), strict=True):
            sample = data.samples[index]
            writer.writerow((sample.path, sample.group, LABELS[sample.label], *(f"{value:.5f}" for value in values)))


def read_answers(out: Path, folds: int = FOLDS) -> HeldOut:
    """The answers of every fold, in the order of their paths.

    Raises: TrainingError when a fold is missing.
    """
    rows: list[dict[str, str]] = []
    for fold in range(folds):
        path = out / f"fold-{fold}.csv"
        if not path.exists():
            raise TrainingError(f"{path} is missing; run: python -m training cross-validate DATA {out} --fold {fold}")
        with path.open(encoding="utf-8", newline="") as file:
            rows += csv.DictReader(file)
    rows.sort(key=lambda row: row["path"])
    numbers = np.array([[float(row[name]) for name in COLUMNS[3:]] for row in rows], dtype=np.float32)
    return HeldOut(
        paths=[row["path"] for row in rows],
        groups=np.array([row["group"] for row in rows]),
        labels=np.array([LABELS.index(row["label"]) for row in rows], dtype=np.int64),
        logits=numbers[:, :2],
        float_logits=numbers[:, 2:],
    )
