"""Trains a recipe: the documents' lines and a history row an epoch, the best weights kept, resumable at any moment."""

import math
import time
from pathlib import Path

import numpy as np
import torch
from torch import nn

from resnet_server.engines.pytorch import UInt8Network
from training.errors import TrainingError
from training.learning.learner import Learner
from training.learning.network import StateDict, build_network, freeze_body, head_name, load_trained
from training.learning.origin import Origin
from training.learning.processes import from_first, in_shards, precision_of, start_process, with_bar
from training.learning.recipes import Recipe
from training.learning.restore import SETTLED_ON, is_unsettled, settle
from training.learning.run import Row, Run, run_facts
from training.learning.sources import Features, Parts, Pictures, Source
from training.learning.views import Views
from training.photos.data import Images


def fit(
    parts: Parts,
    recipe: Recipe,
    folder: Path,
    *,
    seed: int,
    resume: bool = False,
    workers: int = 0,
    origin: Origin | None = None,
) -> UInt8Network | None:
    """Train and return the best network by validation accuracy, or the last where there is nothing to validate on.

    `origin`: begin with its network instead of the recipe's weights, or learn from its teacher too.

    Of several processes, on one machine or more, only the first reads and writes `folder`; the others return None.

    The same seed, data, thread count and kind of machine give the same weights; a run that was killed and is resumed
    repeats at most one epoch and ends with the numbers of an unbroken one: every random choice is seeded by
    (seed, epoch, picture), none by what was drawn before.
    Raises: TrainingError when a batch cannot be filled, weights cannot be had, or the folder holds another run.
    """
    accelerator = start_process()
    precision = precision_of(recipe.precision, accelerator.device)
    run = Run(folder, run_facts(recipe, seed, parts.sha256, precision) | (origin.facts() if origin else {}))
    check_batch(len(parts.chosen), recipe, accelerator.num_processes)
    torch.manual_seed(seed)
    begun = origin.network if origin else None
    network = begun or build_network(recipe.architecture, recipe.weights, recipe.channels)
    state = from_first(accelerator, lambda: run.start(resume=resume))
    if is_unsettled(network):
        settle(network, first_views(parts, recipe, seed))
    source: Source
    if recipe.freeze:
        trained: nn.Module = freeze_body(network.to(accelerator.device))
        source = Features(network, parts, recipe, seed, accelerator, precision)
    else:
        trained, source = network, Pictures(parts, recipe, seed, workers, accelerator)
    teacher = origin.teacher if origin else None
    learner = Learner(trained, recipe, parts.train.labels[parts.chosen], accelerator, precision, teacher)
    best = {"accuracy": -1.0, "loss": 0.0}
    if state is not None:
        learner.load_state_dict(state["learner"])
        best, run.rows = state["best"], state["rows"]
    train_epochs(network, source, recipe, run, learner, best, seed=seed)
    accelerator.wait_for_everyone()
    return load_trained(run.weights, recipe.architecture) if accelerator.is_main_process else None


def first_views(parts: Parts, recipe: Recipe, seed: int) -> Images:
    """What training sees first of up to SETTLED_ON pictures, spread evenly: uint8 (N, H, W, 3)."""
    views = Views(parts.train, recipe, recipe.phases[0], seed, epoch=0)
    places = np.linspace(0, len(parts.chosen) - 1, min(SETTLED_ON, len(parts.chosen))).astype(int)
    return np.stack([views.view(int(parts.chosen[place])) for place in places])


def train_epochs(
    network: UInt8Network,
    source: Source,
    recipe: Recipe,
    run: Run,
    learner: Learner,
    best: dict[str, float],
    *,
    seed: int,
) -> None:
    """The epochs that the run has not had yet; after each, the documents' lines."""
    accelerator, began = learner.accelerator, time.monotonic()
    for epoch in range(len(run.rows), recipe.epochs):
        started = time.monotonic()
        accelerator.print(f"Epoch {epoch + 1}/{recipe.epochs}\n----------")
        row: Row = {"epoch": epoch + 1}
        row |= train_epoch(source, learner, seed=seed, epoch=epoch)
        accelerator.print(f"train Loss: {row['train_loss']:.4f} Acc: {row['train_accuracy']:.4f}", flush=True)
        score = {"accuracy": float(epoch), "loss": 0.0}  # nothing to choose by: the last is the best
        if source.val_labels is not None:
            row |= validate(source, source.val_labels, learner)
            check_finite(row["val_loss"], epoch)
            accelerator.print(f"val Loss: {row['val_loss']:.4f} Acc: {row['val_accuracy']:.4f}", flush=True)
            score = {"accuracy": row["val_accuracy"], "loss": row["val_loss"]}
        row["seconds"] = round(time.monotonic() - started, 2)
        if accelerator.is_main_process:
            # Of equally accurate epochs the surer one: validation parts are small, and many epochs tie.
            if (score["accuracy"], -score["loss"]) > (best["accuracy"], -best["loss"]):
                best |= score
                run.save_weights(weights_of(network, learner))
            run.save(learner.state_dict(), row, best)
    minutes, seconds = divmod(time.monotonic() - began, 60)
    accelerator.print(f"Training complete in {minutes:.0f}m {seconds:.0f}s")
    if source.val_labels is not None:
        accelerator.print(f"Best val Acc: {best['accuracy']:.6f}")


def weights_of(network: UInt8Network, learner: Learner) -> StateDict:
    """The whole network's weights; of a frozen one, all but the last layer are as they came."""
    kept = learner.kept
    if isinstance(kept, UInt8Network):
        return kept.backbone.state_dict()
    head = head_name(network.backbone)
    return network.backbone.state_dict() | {f"{head}.{name}": value for name, value in kept.state_dict().items()}


def train_epoch(source: Source, learner: Learner, *, seed: int, epoch: int) -> Row:
    """One pass over the training inputs. Returns: the mean loss and accuracy over all processes."""
    torch.manual_seed(int(np.random.default_rng((seed, epoch)).integers(2**62)))  # dropout, resumed or not
    learner.network.train()
    sums = torch.zeros(3, dtype=torch.float64)
    batches, total = source.batches(epoch)
    for inputs, labels in with_bar(batches, total, "training", learner.accelerator):
        sums += learner.step(inputs, labels)
    learner.end_epoch()
    loss, right, count = learner.accelerator.reduce(sums.to(learner.accelerator.device), "sum").tolist()
    check_finite(loss, epoch)
    return {"train_loss": round(loss / count, 5), "train_accuracy": round(right / count, 5)}


def validate(source: Source, labels: np.ndarray, learner: Learner) -> Row:
    """Loss and accuracy on the validation pictures, divided among the processes."""

    def answer(indices: list[int]) -> list[list[float]]:
        rows: list[list[float]] = learner.logits(source.val_inputs(indices)).tolist()
        return rows

    logits = in_shards(answer, len(labels), "validating", learner.accelerator)
    loss = torch.nn.functional.cross_entropy(torch.from_numpy(logits), torch.from_numpy(labels))
    accuracy = float((logits.argmax(1) == labels).mean())
    return {"val_loss": round(float(loss), 5), "val_accuracy": round(accuracy, 5)}


def check_batch(pictures: int, recipe: Recipe, processes: int) -> None:
    """Raises: TrainingError when no batch can be filled, or batches cannot be divided evenly."""
    if pictures < recipe.batch:
        raise TrainingError(f"{pictures} pictures do not fill one batch of {recipe.batch}; add some or use --batch.")
    if recipe.batch % processes:
        raise TrainingError(
            f"A batch of {recipe.batch} cannot be divided evenly among {processes} processes; change --batch."
        )


def check_finite(loss: float, epoch: int) -> None:
    """Raises: TrainingError when the loss is no number."""
    if not math.isfinite(loss):
        raise TrainingError(
            f"The loss is no number in epoch {epoch + 1}; use --precision float32, a lower --learning-rate or a larger "
            "input, and train again into another folder."
        )
