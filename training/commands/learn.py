"""train, cross-validate and calibrate, as a person calls them."""

import json
import shlex
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from training.commands import DEFAULT_CACHE, Cache, Data, Seed, Threads, written
from training.errors import TrainingError

Runs = Annotated[Path, typer.Argument(help="Folder of the cross-validation: what it wrote, one file a fold.")]
RecipeName = Annotated[
    str, typer.Option("--recipe", help="documented (fine-tunes) or from-scratch (made the default).")
]


def train(
    data: Annotated[
        Path, typer.Argument(help="What split wrote (train/ and val/); or one data set, then all is learned.")
    ],
    out: Annotated[Path, typer.Argument(metavar="RUN", help="Folder to write; it is an artifact when training ends.")],
    recipe: RecipeName = "documented",
    architecture: Annotated[
        str | None, typer.Option(help="resnet18, 34, 50, 101, 152 or mobilenet_v2; the recipe's when absent.")
    ] = None,
    weights: Annotated[
        str | None, typer.Option(help="imagenet (torchvision's), none, or a .pth file to begin from.")
    ] = None,
    freeze: Annotated[
        bool, typer.Option("--freeze", help="Train the last layer only; all else is computed once.")
    ] = False,
    epochs: Annotated[int | None, typer.Option(min=1, help="The recipe's when absent (documented: 5).")] = None,
    batch: Annotated[
        int | None, typer.Option(min=1, help="Pictures a step, over all processes (documented: 8).")
    ] = None,
    learning_rate: Annotated[float | None, typer.Option(min=0, help="At its highest (0.001).")] = None,
    height: Annotated[int | None, typer.Option(min=32, max=4096, help="Of the served input, in pixels (700).")] = None,
    width: Annotated[int | None, typer.Option(min=32, max=4096, help="Of the served input, in pixels (500).")] = None,
    precision: Annotated[str, typer.Option(help="float32 or bfloat16; auto: what this machine is fast in.")] = "auto",
    seed: Seed = 0,
    resume: Annotated[bool, typer.Option("--resume", help="Continue RUN where it was killed; same numbers.")] = False,
    workers: Annotated[
        int, typer.Option(min=0, help="Processes that prepare pictures; 0: none (GPUs want 4 or more).")
    ] = 0,
    threads: Threads = 0,
    name: Annotated[str, typer.Option(help="The version is this and 8 digits of the weights' hash.")] = "class-photos",
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
        precision=precision,
    )
    manifest = train_run(
        data, out, wanted, seed=seed, threads=threads, cache=cache, resume=resume, workers=workers, name=name
    )
    if manifest is None:
        return  # the first process says it
    run, parts = shlex.quote(str(out)), shlex.quote(str(data))
    if (data / "test").is_dir():
        written(out, f"evaluate {run} {parts}")
    elif (data / "val").is_dir():
        written(out, f"evaluate {run} {parts} --part val")
    else:
        written(out, f"export {run} ARTIFACT")


def cross_validate(
    data: Data,
    out: Runs,
    fold: Annotated[list[int] | None, typer.Option(help="Only this fold; repeat for several. All when absent.")] = None,
    recipe: RecipeName = "from-scratch",
    seed: Seed = 0,
    threads: Threads = 0,
    cache: Cache = DEFAULT_CACHE,
) -> None:
    """Train on three quarters of the groups and answer about the rest, four times; goes on where it was killed."""
    from training.learning.crossval import FOLDS, cut_folds, fold_tables, run_fold
    from training.learning.recipes import named
    from training.learning.train import load_both
    from training.photos.folders import outside

    chosen, numbers = named(recipe), list(range(FOLDS)) if fold is None else fold
    if unknown := [number for number in numbers if not 0 <= number < FOLDS]:
        raise TrainingError(f"There is no fold {unknown[0]}; they are 0 to {FOLDS - 1}.")
    outside(out, data)
    canvases, served = load_both(data, chosen, threads, cache)
    folds = cut_folds(data, canvases.samples)
    for number in numbers:
        written(run_fold(canvases, served, folds[number], number, out, seed=seed, recipe=chosen))
    missing = [number for number in range(FOLDS) if not fold_tables(out, number)[0].exists()]
    rest = " ".join(f"--fold {number}" for number in missing)
    step = f"cross-validate {shlex.quote(str(data))} {shlex.quote(str(out))} {rest}"
    print(f"next: python -m training {step if missing else f'calibrate {shlex.quote(str(out))}'}")


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
        print(f"{truth:.3f} {name}")
    written(path, "train DATA RUN --recipe from-scratch")


STEPS: tuple[Callable[..., None], ...] = (train, cross_validate, calibrate)
