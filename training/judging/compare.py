"""Trains several architectures alike and ranks them by accuracy and by the time that a picture takes."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from statistics import median
from typing import Any, Protocol

from resnet_server.engines.pytorch import build_backbone
from training.errors import TrainingError
from training.judging.figures import Point, tradeoff_figure
from training.judging.forward import load_model
from training.judging.judged import judge_artifact
from training.judging.metrics import tally
from training.judging.predict import predict_file, warm_up
from training.learning.network import ARCHITECTURES
from training.learning.recipes import Recipe
from training.learning.run import write_rows
from training.learning.train import train_run
from training.pages.report import render, save_figure
from training.photos.data import class_files
from training.photos.folders import outside
from training.serving.engines import Model

TIMED_PICTURES = 30


@dataclass(frozen=True)
class Contender:
    """One trained architecture. Accuracies 0..1 on the val part; medians in milliseconds, one picture at a time."""

    architecture: str
    mean_accuracy: float
    offline: float
    online: float
    inference_ms: float
    decode_and_inference_ms: float
    parameters: int
    dominated: bool = False  # another is at least as accurate and as fast, and better in one of both


def compare(
    data: Path,
    out: Path,
    architectures: Sequence[str],
    recipe: Recipe,
    *,
    seed: int,
    threads: int,
    cache: Path,
    resume: bool,
) -> list[Contender]:
    """Train each architecture into out/<architecture>, then measure all; best first.

    `data` is a folder that split wrote: models are compared on val, so that test stays untouched for the chosen one.
    Writes comparison.csv, tradeoff.png and index.html to `out`. With `resume`, what is trained is not trained again.
    Raises: TrainingError when `data` has no parts, an architecture is unknown or named twice.
    """
    if len(set(architectures)) < len(architectures):
        raise TrainingError("An architecture is named twice; name each once.")
    if unknown := set(architectures) - set(ARCHITECTURES):
        raise TrainingError(f"{sorted(unknown)[0]} is not known; choose one of {', '.join(ARCHITECTURES)}.")
    if not (data / "val").is_dir():
        raise TrainingError(f"{data} has no part val; cut it first: python -m training split {data} OUT.")
    outside(out, data)
    found = []
    for architecture in architectures:
        print(f"{architecture}:", flush=True)
        chosen = replace(recipe, architecture=architecture)
        folder = out / architecture
        train_run(data, folder, chosen, seed=seed, threads=threads, cache=cache, resume=resume)
        found.append(measure(folder, data / "val", threads, cache))
    ranked = rank(found)
    write_comparison(ranked, data.name, recipe, out)
    return ranked


def measure(artifact: Path, pictures: Path, threads: int, cache: Path) -> Contender:
    """Accuracy on all of `pictures`, and time on the first TIMED_PICTURES of them, on one thread."""
    numbers = tally(judge_artifact(load_model(artifact, "pytorch", threads), pictures, cache).answers)
    model = load_model(artifact, "pytorch", threads=1)  # what a server gives a request
    inference_ms, whole_ms = latency(model, pictures)
    return Contender(
        architecture=model.manifest.architecture,
        mean_accuracy=numbers["mean_accuracy"],
        offline=numbers["accuracy"]["offline"],
        online=numbers["accuracy"]["online"],
        inference_ms=inference_ms,
        decode_and_inference_ms=whole_ms,
        parameters=parameter_count(model.manifest.architecture),
    )


def parameter_count(architecture: str) -> int:
    """Of the two-class network."""
    return sum(each.numel() for each in build_backbone(architecture).parameters())


def latency(model: Model, pictures: Path) -> tuple[float, float]:
    """Median milliseconds of inference, and of decoding and inference, of single pictures, after a warm-up."""
    warm_up(model)
    answers = []
    for name in class_files(pictures):
        try:
            answers.append(predict_file(model, pictures / name))
        except TrainingError:  # not a picture: load has counted it
            continue
        if len(answers) == TIMED_PICTURES:
            break
    whole = median(each.decode_ms + each.inference_ms for each in answers)
    return round(median(each.inference_ms for each in answers), 2), round(whole, 2)


def rank(contenders: Sequence[Contender]) -> list[Contender]:
    """The most accurate first, the faster of equals first; the dominated ones marked (Pareto)."""
    marked = [replace(one, dominated=any(beats(other, one) for other in contenders)) for one in contenders]
    return sorted(marked, key=lambda each: (-each.mean_accuracy, each.inference_ms))


class Rival(Protocol):
    """What can be ranked."""

    @property
    def mean_accuracy(self) -> float | None:
        """0 to 1."""

    @property
    def inference_ms(self) -> float:
        """Of one picture."""


def beats(one: Rival, other: Rival) -> bool:
    """Whether `one` is at least as good in accuracy and time, and better in either."""
    ours, theirs = ((each.mean_accuracy or 0.0, -each.inference_ms) for each in (one, other))
    return ours != theirs and ours[0] >= theirs[0] and ours[1] >= theirs[1]


def write_comparison(ranked: Sequence[Contender], data: str, recipe: Recipe, out: Path) -> None:
    """comparison.csv, tradeoff.png and index.html."""
    rows: list[dict[str, Any]] = [{"rank": place, **asdict(each)} for place, each in enumerate(ranked, 1)]
    write_rows(out / "comparison.csv", rows)
    points = [Point(each.architecture, each.mean_accuracy, each.inference_ms, each.dominated) for each in ranked]
    plot = save_figure(tradeoff_figure(points), out / "tradeoff.png")
    render("comparison.html", out, rows=rows, plot=plot, data=data, recipe=recipe)
