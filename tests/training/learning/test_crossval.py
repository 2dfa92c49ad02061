"""Cross-validation: every picture is answered once, by a model that had not seen its group."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tests.training.noise import HEIGHT, WIDTH
from training.errors import TrainingError
from training.judging.forward import predict
from training.learning.crossval import held_out_answers, run_fold
from training.learning.network import load_trained
from training.learning.recipes import FROM_SCRATCH, Phase
from training.photos.data import load

RECIPE = replace(FROM_SCRATCH, phases=(Phase(32, 32, 1),), height=HEIGHT, width=WIDTH, downscale=1, batch=8)


def test_every_picture_is_answered_once_by_int8_and_float(folder: Path, tmp_path: Path) -> None:
    canvases, served = load(folder, *RECIPE.canvas), load(folder, HEIGHT, WIDTH)
    for fold in (0, 1):
        run_fold(canvases, served, fold, tmp_path, seed=1, folds=2, recipe=RECIPE)
    int8, float32 = held_out_answers(tmp_path, folds=2)
    assert list(int8.paths) == list(float32.paths) == [sample.path for sample in served.samples]
    assert int8.labels.tolist() == served.labels.tolist()
    network = load_trained(tmp_path / "fold-0" / "model.pth", "resnet18", 1)
    held_out = [path in (tmp_path / "fold-0.csv").read_text(encoding="utf-8") for path in int8.paths]
    assert np.array(held_out).sum() == 16
    assert float32.logits[held_out] == pytest.approx(predict(network, served.images[held_out]), abs=1e-4)


def test_a_missing_fold_is_named(tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match=r"^Fold 0 is missing: python -m training cross-validate DATA .* --fold 0$"):
        held_out_answers(tmp_path)
