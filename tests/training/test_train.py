"""Training and cross-validation on small pictures, with a recipe of seconds."""

import csv
from pathlib import Path

import pytest
import torch

from tests.training.noise import HEIGHT, WIDTH
from training.crossval import read_answers, run_fold
from training.data import DataSet, load
from training.errors import TrainingError
from training.export import load_checkpoint
from training.predict import predict
from training.train import Phase, train

RECIPE = (Phase(32, 24, 2, 8), Phase(HEIGHT, WIDTH, 1, 8))


@pytest.fixture(scope="module")
def data(folder: Path) -> DataSet:
    return load(folder, HEIGHT, WIDTH)


def test_train_gives_the_same_weights_for_the_same_seed(data: DataSet, tmp_path: Path) -> None:
    first, again, other = (train(data, list(range(32)), RECIPE, seed, tmp_path / "h.csv") for seed in (1, 1, 2))
    weights = [model.state_dict()["backbone.layer4.1.conv2.weight"] for model in (first, again, other)]
    assert torch.equal(weights[0], weights[1])
    assert not torch.equal(weights[0], weights[2])


def test_train_returns_the_running_average_of_the_weights(
    data: DataSet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def weights() -> torch.Tensor:
        model = train(data, list(range(32)), RECIPE, 1, tmp_path / "h.csv")
        weight: torch.Tensor = model.state_dict()["backbone.fc.weight"]
        return weight

    averaged = weights()
    monkeypatch.setattr("training.train.EMA_DECAY", 0.0)  # forgets all but the last step
    assert not torch.equal(averaged, weights())


def test_train_writes_a_row_an_epoch(data: DataSet, tmp_path: Path) -> None:
    train(data, list(range(32)), RECIPE, 1, tmp_path / "history.csv")
    rows = list(csv.DictReader((tmp_path / "history.csv").read_text(encoding="utf-8").splitlines()))
    assert [(row["epoch"], row["height"]) for row in rows] == [("1", "32"), ("2", "32"), ("3", "48")]
    assert set(rows[0]) == {"epoch", "height", "width", "loss", "accuracy", "seconds"}


def test_train_refuses_fewer_pictures_than_a_batch(data: DataSet, tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match=r"^5 pictures do not fill one batch of 8\.$"):
        train(data, list(range(5)), RECIPE, 1, tmp_path / "history.csv")


def test_cross_validation_answers_about_every_picture_once(data: DataSet, tmp_path: Path) -> None:
    for fold in (0, 1):
        run_fold(data, data, fold, tmp_path, seed=1, folds=2, recipe=RECIPE)
    answers = read_answers(tmp_path, folds=2)
    assert answers.paths == [sample.path for sample in data.samples]
    assert answers.labels.tolist() == data.labels.tolist()
    model = load_checkpoint(tmp_path / "fold-0.pt")
    held_out = [path in (tmp_path / "fold-0.csv").read_text(encoding="utf-8") for path in answers.paths]
    assert answers.float_logits[held_out] == pytest.approx(predict(model, data.images[held_out]), abs=1e-4)


def test_a_missing_fold_is_named(tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match=r"fold-0\.csv is missing; run: python -m training cross-validate DATA"):
        read_answers(tmp_path)
