"""Trains a recipe once a fold and asks about the fold it did not see: every group is held out once, whole."""

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np

from training.errors import TrainingError
from training.judging.answers import Answers, answers_of, read_answers, write_answers
from training.judging.forward import predict
from training.learning.fit import fit
from training.learning.origin import Origin
from training.learning.recipes import FROM_SCRATCH, Recipe
from training.learning.run import STATE, replace_by
from training.learning.sources import Parts
from training.photos.data import DataSet, Sample
from training.photos.duplicates import looks_of
from training.photos.split import group_names, grouped_folds
from training.serving.export import export, in_batches, onnxruntime_run
from training.serving.quantize import calibration_sample, quantize

FOLDS = 4


def run_fold(
    canvases: DataSet,
    served: DataSet,
    held_out: list[int],
    fold: int,
    out: Path,
    *,
    seed: int,
    recipe: Recipe = FROM_SCRATCH,
    origin: Origin | None = None,
    workers: int = 0,
) -> Path:
    """Train on all but `held_out` (see cut_folds), and write what the network answers about it, in int8 and float.

    `canvases` and `served` are the same pictures, decoded for cropping and at the served size. A fold that is done is
    kept; one that was interrupted goes on where it was.
    Returns: the table of the int8 answers.
    """
    (table, float_table), folder = fold_tables(out, fold), out / f"fold-{fold}"
    if not (folder / STATE).exists():  # what lies there is of another training
        table.unlink(missing_ok=True)
        float_table.unlink(missing_ok=True)
    seen = np.array(sorted(set(range(len(canvases.samples))) - set(held_out)))
    samples, images = tuple(served.samples[index] for index in held_out), served.images[held_out]
    parts = Parts(canvases, seen, None)
    network = fit(parts, recipe, folder, seed=seed, resume=True, workers=workers, origin=origin)
    if network is None:  # the first of several processes goes on
        return table
    if table.exists():
        check_table(table, samples)
        return table
    onnx, int8 = folder / "float.onnx", folder / "int8.onnx"
    export(network, onnx, recipe.height, recipe.width)
    quantize(onnx, int8, calibration_sample(served, seen.tolist()))
    answers = (predict(network, images), in_batches(onnxruntime_run(int8), images))
    for path, logits in zip(reversed(fold_tables(out, fold)), answers, strict=True):
        replace_by(path, partial(write_answers, answers=answers_of(samples, logits)))
    return table


def check_table(table: Path, samples: tuple[Sample, ...]) -> None:
    """Raises: TrainingError when a table that lies there answers about other pictures."""
    if set(read_answers(table).paths) != {sample.path for sample in samples}:
        raise TrainingError(f"{table} answers about other pictures; name another folder for this data.")


def cut_folds(data: Path, samples: Sequence[Sample], count: int = FOLDS) -> list[list[int]]:
    """Indices by fold; what belongs together, near duplicates and copies too, is in one fold.

    Raises: TrainingError when there are fewer groups than folds, or a fold would be empty or leave one class only.
    """
    looks, _ = looks_of(data, samples)
    names = group_names(samples, [looks[sample.path] for sample in samples])
    folds = grouped_folds([replace(sample, group=name) for sample, name in zip(samples, names, strict=True)], count)
    labels = np.array([sample.label for sample in samples])
    for fold, held_out in enumerate(folds):
        if not held_out or len(set(np.delete(labels, held_out))) < len(set(labels)):
            raise TrainingError(
                f"{count} folds cannot be cut: fold {fold} would hold nothing, or all pictures of a class; "
                "add pictures of other sources."
            )
    return folds


def fold_tables(out: Path, fold: int) -> tuple[Path, Path]:
    """Where a fold's answers lie: int8, float."""
    return out / f"fold-{fold}.csv", out / f"fold-{fold}-float.csv"


def held_out_answers(out: Path, folds: int = FOLDS) -> tuple[Answers, Answers]:
    """What int8 and float answered about every picture, each by the model that had not seen it.

    Raises: TrainingError when a fold is missing, or two answer the same picture: then they are of different data.
    """
    tables = [fold_tables(out, fold) for fold in range(folds)]
    for fold, paths in enumerate(tables):
        if not all(path.exists() for path in paths):
            raise TrainingError(f"Fold {fold} is missing: python -m training cross-validate DATA {out} --fold {fold}")
    int8, float32 = zip(*tables, strict=True)
    answers = read_answers(*int8), read_answers(*float32)
    if any(len(set(each.paths)) < len(each.paths) for each in answers):
        raise TrainingError(f"The folds in {out} answer a picture twice: train all of them on the same data.")
    return answers
