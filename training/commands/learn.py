"""train, cross-validate and calibrate, as a person calls them."""

import json
import shlex
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from training.commands import DEFAULT_CACHE, Cache, Data, Seed, Threads, written
from training.commands.options import (
    ALPHA_OF_WHOLE,
    TEMPERATURE_OF_WHOLE,
    AlphaOfWhole,
    Architecture,
    Batch,
    Channels,
    Epochs,
    Freeze,
    Height,
    LearningRate,
    Name,
    Parts,
    Precision,
    RecipeName,
    Resume,
    Run,
    Temperature,
    Weights,
    Width,
    Workers,
)
from training.errors import TrainingError
from training.text import printable

Runs = Annotated[Path, typer.Argument(help="Folder of the cross-validation: what it wrote, one file a fold.")]


def train(
    data: Parts,
    out: Run,
    recipe: RecipeName = "documented",
    architecture: Architecture = None,
    weights: Weights = None,
    freeze: Freeze = False,
    channels: Channels = None,
    epochs: Epochs = None,
    batch: Batch = None,
    learning_rate: LearningRate = None,
    height: Height = None,
    width: Width = None,
    precision: Precision = "auto",
    seed: Seed = 0,
    resume: Resume = False,
    workers: Workers = 0,
    threads: Threads = 0,
    name: Name = "class-photos",
    cache: Cache = DEFAULT_CACHE,
) -> None:
    """Train a network and keep the best by validation.

    `torchrun --nproc-per-node 2 -m training train …` takes several processes, `accelerate launch -m …` several GPUs.
    """
    from training.learning.recipes import chosen
    from training.learning.train import train_run

    wanted = chosen(
        recipe,
        epochs=epochs,
        height=height,
        width=width,
        architecture=architecture,
        weights=weights,
        batch=batch,
        learning_rate=learning_rate,
        freeze=freeze,
        channels=channels,
        precision=precision,
    )
    made = train_run(
        data, out, wanted, seed=seed, threads=threads, cache=cache, resume=resume, workers=workers, name=name
    )
    if made is not None:  # of several processes the first says it
        written(out, after_training(out, data))


def after_training(out: Path, data: Path) -> str:
    """The step that follows: judging on a part that nothing was chosen on, or on the one there is."""
    if (data / "test").is_dir():
        return shlex.join(["evaluate", str(out), str(data)])
    if (data / "val").is_dir():
        return shlex.join(["evaluate", str(out), str(data), "--part", "val"])
    return shlex.join(["export", str(out), "ARTIFACT", "--data", str(data)])


def cross_validate(
    context: typer.Context,
    data: Data,
    out: Runs,
    fold: Annotated[list[int] | None, typer.Option(help="Only this fold; repeat for several. All when absent.")] = None,
    recipe: RecipeName = "from-scratch",
    channels: Channels = None,
    epochs: Epochs = None,
    learning_rate: LearningRate = None,
    prune: Annotated[
        Path | None,
        typer.Option(help="Other RUNS: each fold prunes its network and learns from it."),
    ] = None,
    speed_up: Annotated[float, typer.Option(help="With --prune: for so many times fewer FLOPs.")] = 2.0,
    temperature: Temperature = TEMPERATURE_OF_WHOLE,
    alpha: AlphaOfWhole = ALPHA_OF_WHOLE,
    seed: Seed = 0,
    workers: Workers = 0,
    threads: Threads = 0,
    cache: Cache = DEFAULT_CACHE,
) -> None:
    """Train on three quarters of the groups and answer about the rest, four times; goes on where it was killed."""
    from training.learning.crossval import FOLDS, cut_folds, fold_tables, run_fold
    from training.learning.recipes import chosen as recipe_of
    from training.learning.train import load_both
    from training.photos.folders import outside
    from training.speed.slim import slim_fold

    chosen = recipe_of(recipe, channels=channels, epochs=epochs, learning_rate=learning_rate)
    numbers = list(range(FOLDS)) if fold is None else fold
    if unknown := [number for number in numbers if not 0 <= number < FOLDS]:
        raise TrainingError(f"There is no fold {unknown[0]}; they are 0 to {FOLDS - 1}.")
    outside(out, data)
    canvases, served = load_both(data, chosen, threads, cache)
    folds = cut_folds(data, canvases.samples)
    for number in numbers:
        begun, origin = chosen, None
        if prune:
            begun, origin = slim_fold(prune, number, chosen, speed_up=speed_up, temperature=temperature, alpha=alpha)
        table = run_fold(
            canvases, served, folds[number], number, out, seed=seed, recipe=begun, origin=origin, workers=workers
        )
        written(table)
    missing = [number for number in range(FOLDS) if not fold_tables(out, number)[0].exists()]
    rest = [word for number in missing for word in ("--fold", str(number))]
    step = ["cross-validate", str(data), str(out), *given_options(context, "fold"), *rest]
    print(f"next: python -m training {shlex.join(step if missing else ['calibrate', str(out)])}")


def given_options(context: typer.Context, *left_out: str) -> list[str]:
    """The options that the step was called with, but for some: another fold is no fold of this one without them."""
    words = []
    for option in context.command.params:
        name = str(option.name)
        if option.opts[0].startswith("--") and was_given(context, name) and name not in left_out:
            words += [option.opts[0], str(context.params[name])]
    return words


def was_given(context: typer.Context, name: str) -> bool:
    """Whether a parameter is the caller's word, not its default."""
    source = context.get_parameter_source(name)
    return source is not None and source.name == "COMMANDLINE"


def calibrate(out: Runs, worst: Annotated[int, typer.Option(help="How many mistakes to list.")] = 20) -> None:
    """Measure the held-out answers and fit the temperature: RUNS/metrics.json, which package takes."""
    from training.judging.calibrate import measure
    from training.judging.metrics import worst as worst_answers
    from training.learning.crossval import held_out_answers

    answers, float_answers = held_out_answers(out)
    metrics = measure(answers, float_answers)
    path = out / "metrics.json"
    path.write_text(json.dumps(metrics, indent=2) + "\n", encoding="utf-8")
    print(json.dumps(metrics, indent=2))
    for name, truth in worst_answers(answers, metrics["temperature"], worst):
        print(f"{truth:.3f} {printable(name)}")
    written(path, shlex.join(["package", "INT8", "ARTIFACT", "--metrics", str(path)]))


STEPS: tuple[Callable[..., None], ...] = (train, cross_validate, calibrate)
