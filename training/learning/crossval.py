"""Trains a recipe once a fold and asks about the fold it did not see: every group is held out once, whole."""

from pathlib import Path

import numpy as np

from training.errors import TrainingError
from training.judging.answers import Answers, answers_of, read_answers, write_answers
from training.judging.forward import predict
from training.learning.fit import fit
from training.learning.recipes import FROM_SCRATCH, Recipe
from training.learning.run import STATE
from training.learning.sources import Parts
from training.photos.data import DataSet
from training.photos.split import grouped_folds
from training.serving.export import export, in_batches, onnxruntime_run
from training.serving.quantize import calibration_sample, quantize

FOLDS = 4


def run_fold(
    canvases: DataSet,
    served: DataSet,
    fold: int,
    out: Path,
    *,
    seed: int,
    folds: int = FOLDS,
    recipe: Recipe = FROM_SCRATCH,
) -> Path:
    """Train on the other folds, export, quantize, and write what int8 and float answer about this fold.

    `canvases` and `served` are the same pictures, decoded for cropping and at the served size. A fold that is done is
    kept; one that was interrupted goes on where it was.
    Returns: the table of the int8 answers.
    """
    table, folder = fold_tables(out, fold)[0], out / f"fold-{fold}"
    if table.exists():
        return table
    held_out = grouped_folds(canvases.samples, folds)[fold]
    seen = np.array(sorted(set(range(len(canvases.samples))) - set(held_out)))
    network = fit(Parts(canvases, seen, None), recipe, folder, seed=seed, resume=(folder / STATE).exists())
    onnx, int8 = folder / "float.onnx", folder / "int8.onnx"
    export(network, onnx, recipe.height, recipe.width)
    quantize(onnx, int8, calibration_sample(served, seen.tolist()))
    samples, images = tuple(served.samples[index] for index in held_out), served.images[held_out]
    write_answers(fold_tables(out, fold)[1], answers_of(samples, predict(network, images)))
    write_answers(table, answers_of(samples, in_batches(onnxruntime_run(int8), images)))
    return table


def fold_tables(out: Path, fold: int) -> tuple[Path, Path]:
    """Where a fold's answers lie: int8, float."""
    return out / f"fold-{fold}.csv", out / f"fold-{fold}-float.csv"


def held_out_answers(out: Path, folds: int = FOLDS) -> tuple[Answers, Answers]:
    """What int8 and float answered about every picture, each by the model that had not seen it.

    Raises: TrainingError when a fold is missing.
    """
    tables = [fold_tables(out, fold) for fold in range(folds)]
    for fold, paths in enumerate(tables):
        if not all(path.exists() for path in paths):
            raise TrainingError(f"Fold {fold} is missing: python -m training cross-validate DATA {out} --fold {fold}")
    int8, float32 = zip(*tables, strict=True)
    return read_answers(*int8), read_answers(*float32)
