"""Training: it learns, repeats itself, ends as an unbroken run when it was killed, and divides among processes."""

import csv
import json
import os
import shutil
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from tests.training.noise import HEIGHT, WIDTH
from training.errors import TrainingError
from training.learning.fit import fit
from training.learning.learner import schedule_of
from training.learning.network import build_network, head_name
from training.learning.recipes import DOCUMENTED, FROM_SCRATCH, Phase, with_size
from training.learning.run import HISTORY, STATE, WEIGHTS, Run
from training.learning.sources import Parts
from training.photos.data import load

ROOT = Path(__file__).resolve().parents[3]
RECIPE = replace(
    FROM_SCRATCH,
    phases=(Phase(32, 32, 2), Phase(48, 40, 1)),
    height=HEIGHT,
    width=WIDTH,
    crop_room=1.5,
    batch=8,
    channels=0.25,  # a sixteenth of the weights, so that a step takes milliseconds
)
SMALL = ["--weights", "none", "--height", str(HEIGHT), "--width", str(WIDTH), "--threads", "1"]
DOCUMENTED_SMALL = replace(with_size(DOCUMENTED, HEIGHT, WIDTH), weights="none")


@pytest.fixture(scope="module")
def parts(divided: Path) -> Parts:
    train = load(divided / "train", *RECIPE.canvas)
    return Parts(train, np.arange(32), load(divided / "val", HEIGHT, WIDTH))


def all_of(parts: Parts) -> Parts:
    return replace(parts, val=None)


def weights_in(run: Path) -> dict[str, torch.Tensor]:
    found: dict[str, torch.Tensor] = torch.load(run / WEIGHTS, weights_only=True)
    return found


def same_weights(one: Path, other: Path) -> bool:
    first, second = weights_in(one), weights_in(other)
    return first.keys() == second.keys() and all(torch.equal(first[name], second[name]) for name in first)


def history(run: Path) -> list[dict[str, str]]:
    rows = list(csv.DictReader((run / HISTORY).read_text(encoding="utf-8").splitlines()))
    return [{key: value for key, value in row.items() if key != "seconds"} for row in rows]


def test_it_learns_to_tell_noise_from_blocks(parts: Parts, tmp_path: Path) -> None:
    recipe = replace(RECIPE, phases=(Phase(48, 40, 12),), ema_decay=0.8)
    network = fit(parts, recipe, tmp_path / "run", seed=0)
    assert parts.val is not None
    assert network is not None
    logits = network(torch.from_numpy(parts.val.images)).detach().numpy()
    assert (logits.argmax(1) == parts.val.labels).mean() > 0.9


def test_the_same_seed_gives_the_same_weights_and_another_one_others(parts: Parts, tmp_path: Path) -> None:
    for name, seed in (("one", 1), ("again", 1), ("other", 2)):
        fit(all_of(parts), RECIPE, tmp_path / name, seed=seed)
    assert same_weights(tmp_path / "one", tmp_path / "again")
    assert not same_weights(tmp_path / "one", tmp_path / "other")


def test_the_lines_are_the_documents(parts: Parts, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    fit(parts, replace(DOCUMENTED_SMALL, phases=(Phase(HEIGHT, WIDTH, 2),)), tmp_path / "run", seed=0)
    rows, lines = history(tmp_path / "run"), capsys.readouterr().out.splitlines()
    first = [f"train Loss: {float(rows[0]['train_loss']):.4f} Acc: {float(rows[0]['train_accuracy']):.4f}"]
    first.append(f"val Loss: {float(rows[0]['val_loss']):.4f} Acc: {float(rows[0]['val_accuracy']):.4f}")
    assert lines[:5] == ["Epoch 1/2", "-" * 10, *first, "Epoch 2/2"]
    assert lines[-1] == f"Best val Acc: {max(float(row['val_accuracy']) for row in rows):.6f}"


def test_the_documented_recipe_has_the_documented_numbers() -> None:
    assert (DOCUMENTED.learning_rate, DOCUMENTED.optimizer, DOCUMENTED.schedule) == (0.001, "sgd", "step")
    assert (DOCUMENTED.batch, DOCUMENTED.epochs, DOCUMENTED.height, DOCUMENTED.width) == (8, 5, 700, 500)
    assert (DOCUMENTED.architecture, DOCUMENTED.weights) == ("resnet18", "imagenet")


def test_the_best_epoch_is_kept_and_of_two_alike_the_surer(
    parts: Parts, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    epochs = iter(((0.6, 0.5), (0.9, 0.4), (0.9, 0.3)))
    seen = []

    def validate(*_: object) -> dict[str, float]:
        accuracy, loss = next(epochs)
        return {"val_loss": loss, "val_accuracy": accuracy}

    def remember(run: Run, weights: dict[str, torch.Tensor]) -> None:
        seen.append(weights)
        original(run, weights)

    original = Run.save_weights
    monkeypatch.setattr("training.learning.fit.validate", validate)
    monkeypatch.setattr(Run, "save_weights", remember)
    fit(parts, RECIPE, tmp_path / "run", seed=0)
    assert len(seen) == 3  # of two equally accurate ones the surer


def test_a_run_killed_at_any_moment_and_resumed_ends_with_the_numbers_of_an_unbroken_one(
    divided: Path, tmp_path: Path
) -> None:
    # mobilenet_v2 has dropout, which draws random numbers
    options = [*SMALL, "--architecture", "mobilenet_v2", "--epochs", "3", "--cache", str(tmp_path / "cache")]
    command = [sys.executable, "-m", "training", "train", str(divided)]
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    subprocess.run([*command, str(whole), *options], cwd=ROOT, check=True)
    for epochs in (1, 2):
        process = subprocess.Popen([*command, str(killed), *options, "--resume"], cwd=ROOT)
        while process.poll() is None and len(history_or_nothing(killed)) < epochs:
            time.sleep(0.01)
        process.kill()
        process.wait()
    subprocess.run([*command, str(killed), *options, "--resume"], cwd=ROOT, check=True)
    assert history(killed) == history(whole)
    assert same_weights(killed, whole)


def history_or_nothing(run: Path) -> list[dict[str, str]]:
    return history(run) if (run / HISTORY).exists() else []


def test_a_finished_run_that_is_resumed_changes_nothing(parts: Parts, tmp_path: Path) -> None:
    fit(all_of(parts), RECIPE, tmp_path / "run", seed=0)
    before = (tmp_path / "run" / WEIGHTS).read_bytes()
    fit(all_of(parts), RECIPE, tmp_path / "run", seed=0, resume=True)
    assert (tmp_path / "run" / WEIGHTS).read_bytes() == before


def test_a_run_is_not_overwritten_unasked(parts: Parts, tmp_path: Path) -> None:
    fit(all_of(parts), replace(RECIPE, phases=(Phase(32, 32, 1),)), tmp_path / "run", seed=0)
    with pytest.raises(TrainingError, match=r"holds a run already; continue it by --resume, or name another folder\.$"):
        fit(all_of(parts), RECIPE, tmp_path / "run", seed=0)
    with pytest.raises(TrainingError, match=r"was begun with seed 0, not 1; resume with what it was begun with"):
        fit(all_of(parts), replace(RECIPE, phases=(Phase(32, 32, 1),)), tmp_path / "run", seed=1, resume=True)


def test_a_run_of_other_phases_is_told_in_words(parts: Parts, tmp_path: Path) -> None:
    begun = replace(RECIPE, phases=(Phase(32, 32, 1), Phase(48, 40, 1)))
    fit(parts, begun, tmp_path, seed=0)
    phases = "phases height 32 and width 32 and epochs 1, then height 48 and width 40 and epochs"
    with pytest.raises(TrainingError, match=rf"was begun with {phases} 1, not height 48 and width 40 and epochs 3; "):
        fit(parts, replace(RECIPE, phases=(Phase(48, 40, 3),)), tmp_path, seed=0, resume=True)


def test_a_damaged_state_is_named(parts: Parts, tmp_path: Path) -> None:
    (tmp_path / STATE).write_bytes(b"PK half a file")
    with pytest.raises(TrainingError, match=r"last\.pt is damaged; delete .* and train again\.$"):
        fit(all_of(parts), RECIPE, tmp_path, seed=0, resume=True)


def test_fewer_pictures_than_a_batch_are_refused(parts: Parts, tmp_path: Path) -> None:
    few = Parts(parts.train, np.arange(5), None)
    with pytest.raises(TrainingError, match=r"^5 pictures do not fill one batch of 8; add some or use --batch\.$"):
        fit(few, RECIPE, tmp_path / "run", seed=0)


def test_what_is_kept_is_the_running_average(parts: Parts, tmp_path: Path) -> None:
    fit(all_of(parts), RECIPE, tmp_path / "averaged", seed=1)
    fit(all_of(parts), replace(RECIPE, ema_decay=0.0), tmp_path / "last", seed=1)
    assert not same_weights(tmp_path / "averaged", tmp_path / "last")


@pytest.mark.parametrize("architecture", ["resnet18", "mobilenet_v2"])
def test_freezing_trains_the_last_layer_only(architecture: str, parts: Parts, tmp_path: Path) -> None:
    torch.manual_seed(0)
    backbone = build_network(architecture, "none").backbone
    torch.save(backbone.state_dict(), tmp_path / "begin.pth")
    recipe = replace(DOCUMENTED_SMALL, architecture=architecture, weights=str(tmp_path / "begin.pth"), freeze=True)
    fit(parts, recipe, tmp_path / "run", seed=0)
    before, after, head = backbone.state_dict(), weights_in(tmp_path / "run"), head_name(backbone)
    changed = {name for name in before if not torch.equal(before[name], after[name])}
    assert changed == {f"{head}.weight", f"{head}.bias"}
    assert len(history(tmp_path / "run")) == 5


def test_two_processes_give_the_result_of_one(divided: Path, tmp_path: Path) -> None:
    options = [*SMALL, "--epochs", "2"]
    command = ["-m", "training", "train", str(divided)]
    one, two = tmp_path / "one", tmp_path / "two"
    options += ["--precision", "float32", "--cache", str(tmp_path / "cache")]
    launch = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    for launcher, run in (([sys.executable], one), (launch, two)):
        subprocess.run([*launcher, *command, str(run), *options], cwd=ROOT, env=environment, check=True)
    first, second = weights_in(one), weights_in(two)
    for name, value in first.items():
        assert torch.allclose(value.float(), second[name].float(), atol=5e-3), name
    for row, other in zip(history(one), history(two), strict=True):
        assert float(row["train_loss"]) == pytest.approx(float(other["train_loss"]), abs=2e-3)
    assert json.loads((two / "manifest.json").read_text())["architecture"] == "resnet18"


def test_pictures_are_trained_on_at_the_size_of_the_phase_and_judged_at_the_served_one(
    parts: Parts, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = set()

    def remember(_module: torch.nn.Module, inputs: tuple[torch.Tensor, ...]) -> None:
        seen.add((_module.training, tuple(inputs[0].shape[2:])))

    original = build_network

    def watched(*arguments: object) -> object:
        network = original(*arguments)  # type: ignore[arg-type]
        network.backbone.conv1.register_forward_pre_hook(remember)  # type: ignore[union-attr]
        return network

    monkeypatch.setattr("training.learning.fit.build_network", watched)
    fit(parts, RECIPE, tmp_path / "run", seed=0)
    assert seen == {(True, (32, 32)), (True, (48, 40)), (False, (HEIGHT, WIDTH))}


def test_an_artifact_is_no_run_to_continue(parts: Parts, trained: Path, tmp_path: Path) -> None:
    artifact = shutil.copytree(trained, tmp_path / "artifact")
    before = (artifact / WEIGHTS).read_bytes()
    with pytest.raises(TrainingError, match="is an artifact, and holds no run to continue"):
        fit(all_of(parts), RECIPE, artifact, seed=0, resume=True)
    assert (artifact / WEIGHTS).read_bytes() == before


@pytest.mark.parametrize("steps", [1, 9, 10, 100])
def test_one_cycle_rises_and_falls_however_short_it_is(steps: int) -> None:
    optimizer = torch.optim.AdamW([torch.nn.Parameter(torch.zeros(1))], 0.1)
    schedule = schedule_of(FROM_SCRATCH, optimizer, steps)
    for _ in range(steps):
        optimizer.step()
        schedule.step()
    assert 0 < schedule.get_last_lr()[0] < FROM_SCRATCH.learning_rate
