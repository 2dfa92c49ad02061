"""Trains the network from scratch: small inputs first, the size that serving gives it last."""

import csv
import ctypes
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from resnet_server.engines.pytorch import UInt8Network
from training.augment import augment
from training.data import DataSet
from training.errors import TrainingError
from training.network import ARCHITECTURE, build_network

SERVED_HEIGHT, SERVED_WIDTH = 700, 500
CANVAS_HEIGHT, CANVAS_WIDTH = 1050, 750  # what crops are cut from; the smallest keeps 0.6 of each side
LABEL_SMOOTHING = 0.05
LEARNING_RATE = 0.001  # at the top of the cycle
WEIGHT_DECAY = 0.05
# What is kept is the running average of the weights (Polyak and Juditsky 1992): about the last 500 steps, ten epochs.
EMA_DECAY = 0.998


@dataclass(frozen=True)
class Phase:
    """Epochs at one input size."""

    height: int
    width: int
    epochs: int
    batch: int = 16


Recipe = tuple[Phase, ...]

# Progressive resizing (Howard 2018): an epoch costs half as much at 196 x 140 as at 280 x 200; the last two are at the
# size that the served network's 2 x 2 average leaves. On two cores, one run a core: about 20 minutes.
RECIPE: Recipe = (Phase(196, 140, 16), Phase(280, 200, 28), Phase(350, 250, 2))
PREVIEW: Recipe = (Phase(196, 140, 8),)


def train(data: DataSet, indices: list[int], recipe: Recipe, seed: int, history: Path) -> UInt8Network:
    """Train on `data.images[indices]` (canvases larger than any phase's input) and write one CSV row an epoch.

    Returns: the running average of the weights and of the batch norms' statistics.
    One learning-rate cycle (Smith 2018) spans all phases. The same seed, data and thread count give the same weights on
    the same kind of machine.
    Raises: TrainingError when a batch cannot be filled.
    """
    prepare_process()
    torch.manual_seed(seed)
    model = build_network()
    chosen = np.array(indices)
    counts = np.bincount(data.labels[chosen], minlength=2)
    weight = torch.tensor(len(chosen) / (2 * np.maximum(counts, 1)), dtype=torch.float32)
    loss_of = nn.CrossEntropyLoss(weight=weight, label_smoothing=LABEL_SMOOTHING)
    optimizer = torch.optim.AdamW(model.parameters(), LEARNING_RATE, weight_decay=WEIGHT_DECAY)
    steps = sum(phase.epochs * (len(chosen) // phase.batch) for phase in recipe)
    if steps == 0:
        raise TrainingError(f"{len(chosen)} pictures do not fill one batch of {recipe[0].batch}.")
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, LEARNING_RATE, steps + 1, pct_start=0.1, cycle_momentum=False
    )
    keep = get_ema_multi_avg_fn(EMA_DECAY)  # type: ignore[no-untyped-call]  # torch has not annotated it
    average = AveragedModel(model, multi_avg_fn=keep, use_buffers=True)
    rows: list[dict[str, float]] = []
    for epoch, phase in enumerate(each for each in recipe for _ in range(each.epochs)):
        started = time.monotonic()
        batches = epoch_batches(data, chosen, phase, seed, epoch)
        results = []
        for images, labels in with_bar(batches, f"epoch {epoch + 1}", len(chosen) // phase.batch):
            results.append(step(model, optimizer, loss_of, images, labels))
            schedule.step()
            average.update_parameters(model)
        loss, accuracy = np.mean(results, axis=0)
        rows.append({"epoch": epoch + 1, "height": phase.height, "width": phase.width})
        measured = {"loss": loss, "accuracy": accuracy, "seconds": time.monotonic() - started}
        rows[-1] |= {key: round(float(value), 5) for key, value in measured.items()}
        write_history(history, rows)
        print(" ".join(f"{key} {value:g}" for key, value in rows[-1].items()), flush=True)
    model.load_state_dict(average.module.state_dict())
    return model


def step(
    model: UInt8Network, optimizer: torch.optim.Optimizer, loss_of: nn.Module, images: Tensor, labels: Tensor
) -> tuple[float, float]:
    """One update, the network in bf16. Returns: the batch's loss and accuracy."""
    with torch.autocast("cpu", torch.bfloat16):
        logits = model(images).float()
    loss = loss_of(logits, labels)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    return float(loss.detach()), float((logits.argmax(1) == labels).float().mean())


def epoch_batches(
    data: DataSet, indices: np.ndarray, phase: Phase, seed: int, epoch: int
) -> Iterator[tuple[Tensor, Tensor]]:
    """Shuffled, augmented batches: float (B, H, W, 3) in 0..255, labels (B,); seeded by (seed, epoch, index) alone."""
    order = np.random.default_rng((seed, epoch)).permutation(indices)
    labels = data.labels
    for start in range(0, len(order) - phase.batch + 1, phase.batch):
        chosen = order[start : start + phase.batch]
        views = [
            augment(data.images[i], phase.height, phase.width, np.random.default_rng((seed, epoch, i))) for i in chosen
        ]
        yield torch.from_numpy(np.stack(views)).float(), torch.from_numpy(labels[chosen])


def with_bar(batches: Iterator[tuple[Tensor, Tensor]], title: str, total: int) -> Iterator[tuple[Tensor, Tensor]]:
    """The batches, under a progress bar where there is a terminal."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, transient=True, disable=not sys.stdout.isatty()) as progress:
        yield from progress.track(batches, total=total, description=title)


def prepare_process() -> None:
    """Keep freed memory: handing 57 MB activations back to the kernel and fetching them costs a fifth of a step."""
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)  # glibc only
    if mallopt:
        mallopt(-4, 0)  # M_MMAP_MAX: never by mmap
        mallopt(-1, -1)  # M_TRIM_THRESHOLD: never trim
    torch.set_flush_denormal(True)


def write_history(path: Path, rows: list[dict[str, float]]) -> None:
    """One CSV row an epoch."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows(rows)


def save_checkpoint(path: Path, model: UInt8Network, recipe: Recipe, seed: int, data_sha256: str) -> None:
    """The weights and what made them."""
    path.parent.mkdir(parents=True, exist_ok=True)
    config = {"architecture": ARCHITECTURE, "recipe": [asdict(phase) for phase in recipe], "seed": seed}
    torch.save({"state_dict": model.backbone.state_dict(), "data_sha256": data_sha256, **config}, path)
