"""train and cross-validate, as a person calls them: what is refused before hours of training, and what comes next."""

from pathlib import Path
from typing import Any

import pytest

from training.__main__ import app
from training.errors import TrainingError

Captured = pytest.CaptureFixture[str]
SMALL = ("--weights", "none", "--height", 48, "--width", 40, "--epochs", 1, "--batch", 8, "--threads", 1)


def run(*arguments: object) -> None:
    app([str(each) for each in arguments], standalone_mode=False)


def test_a_name_is_refused_before_the_training(divided: Path, tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match=r'^"Klasse 1" cannot be the name of a model; '):
        run("train", divided, tmp_path / "run", "--name", "Klasse 1", *SMALL, "--cache", tmp_path / "cache")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("step", ["train", "cross-validate"])
def test_a_run_does_not_go_into_the_photos(step: str, folder: Path, tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match=r"run lies inside .*; name a folder outside of the data\.$"):
        run(step, folder, folder / "run", "--threads", 1, "--cache", tmp_path / "cache")
    assert not (folder / "run").exists()


def test_folds_are_pruned_as_told_and_the_next_step_repeats_what_was_told(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: Captured
) -> None:
    told: dict[str, Any] = {}

    def slim_fold(runs: Path, fold: int, recipe: object, **numbers: float) -> tuple[object, None]:
        told.update(runs=runs, fold=fold, **numbers)
        return recipe, None

    def run_fold(*_: object, seed: int, workers: int, **__: object) -> Path:
        told.update(seed=seed, workers=workers)
        return tmp_path / "half" / "fold-1.csv"

    monkeypatch.setattr("training.speed.slim.slim_fold", slim_fold)
    monkeypatch.setattr("training.learning.crossval.run_fold", run_fold)
    given = ("--prune", tmp_path / "whole", "--speed-up", 3.0, "--temperature", 5.0, "--alpha", 0.25, "--seed", 2)
    cache = ("--cache", tmp_path / "cache")
    run("cross-validate", folder, tmp_path / "half", "--fold", 1, *given, "--workers", 4, *cache)
    numbers = {"speed_up": 3.0, "temperature": 5.0, "alpha": 0.25, "seed": 2, "workers": 4}
    assert told == {"runs": tmp_path / "whole", "fold": 1} | numbers
    line = capfd.readouterr().out.splitlines()[-1]
    words = [str(each) for each in (*given, "--workers", 4, *cache)]
    assert line.startswith(f"next: python -m training cross-validate {folder} {tmp_path / 'half'} --prune ")
    assert line.endswith(" --fold 0 --fold 1 --fold 2 --fold 3")
    assert sorted(line.split()[7:-8]) == sorted(words)


@pytest.mark.parametrize(
    ("parts", "step"),
    [
        (("train", "val", "test"), "evaluate '{out}' '{data}'"),
        (("train", "val"), "evaluate '{out}' '{data}' --part val"),
        ((), "export '{out}' ARTIFACT --data '{data}'"),
    ],
)
def test_what_comes_next_depends_on_the_parts_that_there_are(
    parts: tuple[str, ...], step: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: Captured
) -> None:
    monkeypatch.setattr("training.learning.train.train_run", lambda *_, **__: object())
    data, out = tmp_path / "my parts", tmp_path / "my run"
    for part in parts:
        (data / part).mkdir(parents=True)
    run("train", data, out)
    assert capfd.readouterr().out == f"wrote {out}\nnext: python -m training {step.format(out=out, data=data)}\n"
