"""Cross-validation: every picture is answered once, by a model that had not seen its group."""

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from resnet_server.manifest import file_sha256
from tests.training.noise import HEIGHT, WIDTH
from tests.training.scenes import scene
from training.errors import TrainingError
from training.judging.forward import predict
from training.judging.summary import flops_of
from training.learning.crossval import cut_folds, held_out_answers, run_fold
from training.learning.network import load_trained
from training.learning.recipes import FROM_SCRATCH, Phase
from training.photos.data import load
from training.speed.slim import slim_fold

HALF = {"speed_up": 2.0, "temperature": 2.0, "alpha": 1.0}
RECIPE = replace(FROM_SCRATCH, phases=(Phase(32, 32, 1),), height=HEIGHT, width=WIDTH, crop_room=1.5, batch=8)


def test_every_picture_is_answered_once_by_int8_and_float(folder: Path, tmp_path: Path) -> None:
    canvases, served = load(folder, *RECIPE.canvas), load(folder, HEIGHT, WIDTH)
    folds = cut_folds(folder, canvases.samples, 2)
    for fold in (0, 1):
        run_fold(canvases, served, folds[fold], fold, tmp_path, seed=1, recipe=RECIPE)
    int8, float32 = held_out_answers(tmp_path, folds=2)
    assert list(int8.paths) == list(float32.paths) == [sample.path for sample in served.samples]
    assert int8.labels.tolist() == served.labels.tolist()
    network = load_trained(tmp_path / "fold-0" / "model.pth", "resnet18")
    held_out = [path in (tmp_path / "fold-0.csv").read_text(encoding="utf-8") for path in int8.paths]
    assert np.array(held_out).sum() == 16
    assert float32.logits[held_out] == pytest.approx(predict(network, served.images[held_out]), abs=1e-4)


def test_a_fold_goes_on_from_its_own_pruned_network_and_learns_from_the_whole(folder: Path, tmp_path: Path) -> None:
    canvases, served = load(folder, *RECIPE.canvas), load(folder, HEIGHT, WIDTH)
    folds = cut_folds(folder, canvases.samples, 2)
    run_fold(canvases, served, folds[1], 1, tmp_path / "whole", seed=1, recipe=RECIPE)
    recipe, origin = slim_fold(tmp_path / "whole", 1, RECIPE, **HALF)
    run_fold(canvases, served, folds[1], 1, tmp_path / "slim", seed=1, recipe=recipe, origin=origin)
    whole, slim = (load_trained(tmp_path / runs / "fold-1" / "model.pth", "resnet18") for runs in ("whole", "slim"))
    assert flops_of(whole.backbone, HEIGHT, WIDTH) >= 2 * flops_of(slim.backbone, HEIGHT, WIDTH)
    assert origin.teacher
    assert file_sha256(tmp_path / "whole" / "fold-1" / "model.pth")[:8] in origin.parent  # no other one is resumed
    assert np.array_equal(predict(origin.teacher.network, served.images), predict(whole, served.images))
    assert len((tmp_path / "slim" / "fold-1.csv").read_text(encoding="utf-8").splitlines()) == 1 + 16
    with pytest.raises(TrainingError, match=r"fold-0.model\.pth cannot be read"):
        slim_fold(tmp_path / "whole", 0, RECIPE, **HALF)


def test_a_missing_fold_is_named(tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match=r"^Fold 0 is missing: python -m training cross-validate DATA .* --fold 0$"):
        held_out_answers(tmp_path)


def test_a_copy_is_held_out_with_its_original(tmp_path: Path) -> None:
    for label, name in enumerate(("offline", "online")):
        (tmp_path / name).mkdir()
        for seed in range(6):
            scene(10 * label + seed).save(tmp_path / name / f"{seed}.png")
            scene(10 * label + seed).save(tmp_path / name / f"{seed}-again.jpg", quality=80)
    samples = load(tmp_path, HEIGHT, WIDTH).samples
    for fold in cut_folds(tmp_path, samples):
        names = [samples[index].path.split(".")[0].removesuffix("-again") for index in fold]
        assert all(names.count(name) == 2 for name in names)


def test_a_table_about_other_pictures_is_not_taken_for_the_folds(folder: Path, tmp_path: Path) -> None:
    canvases, served = load(folder, *RECIPE.canvas), load(folder, HEIGHT, WIDTH)
    folds = cut_folds(folder, canvases.samples, 2)
    run_fold(canvases, served, folds[0], 0, tmp_path, seed=1, recipe=RECIPE)
    table = tmp_path / "fold-0.csv"
    before = table.read_text(encoding="utf-8")
    assert run_fold(canvases, served, folds[0], 0, tmp_path, seed=1, recipe=RECIPE) == table
    table.write_text(before.replace("offline/", "offline/other"), encoding="utf-8")
    with pytest.raises(TrainingError, match=r"answers about other pictures; name another folder for this data\.$"):
        run_fold(canvases, served, folds[0], 0, tmp_path, seed=1, recipe=RECIPE)


def test_tables_of_another_training_are_not_kept(folder: Path, tmp_path: Path) -> None:
    canvases, served = load(folder, *RECIPE.canvas), load(folder, HEIGHT, WIDTH)
    held_out = cut_folds(folder, canvases.samples, 2)[0]
    first = run_fold(canvases, served, held_out, 0, tmp_path, seed=1, recipe=RECIPE).read_bytes()
    shutil.rmtree(tmp_path / "fold-0")
    assert run_fold(canvases, served, held_out, 0, tmp_path, seed=2, recipe=RECIPE).read_bytes() != first


def test_folds_of_the_same_pictures_are_no_cross_validation(folder: Path, tmp_path: Path) -> None:
    canvases, served = load(folder, *RECIPE.canvas), load(folder, HEIGHT, WIDTH)
    held_out = cut_folds(folder, canvases.samples, 2)[0]
    run_fold(canvases, served, held_out, 0, tmp_path, seed=1, recipe=RECIPE)
    for name in ("fold-1.csv", "fold-1-float.csv"):
        shutil.copy(tmp_path / name.replace("1", "0"), tmp_path / name)
    with pytest.raises(TrainingError, match="answer a picture twice: train all of them on the same data"):
        held_out_answers(tmp_path, folds=2)


def test_a_fold_that_leaves_one_class_to_train_on_is_refused(tmp_path: Path) -> None:
    for name in ("offline", "online"):
        (tmp_path / name).mkdir()
        for seed in range(3):
            scene(10 * len(name) + seed).save(tmp_path / name / f"{seed}.png")
    rows = [f"offline/{n}.png,room {n}" for n in range(3)] + [f"online/{n}.png,the only screen" for n in range(3)]
    (tmp_path / "manifest.csv").write_text("\n".join(["path,group", *rows]) + "\n")
    samples = load(tmp_path, HEIGHT, WIDTH).samples
    with pytest.raises(TrainingError, match=r"^2 folds cannot be cut: fold . would hold nothing, or all pictures of a"):
        cut_folds(tmp_path, samples, 2)
