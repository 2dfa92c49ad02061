"""The steps that make models faster, and the one that measures which is: prune, distill, benchmark, engine."""

import shlex
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from training.commands import DEFAULT_CACHE, Artifact, Cache, Seed, Threads, written
from training.commands.learn import after_training, given_options, was_given
from training.commands.options import (
    ALPHA_OF_WHOLE,
    TEMPERATURE_OF_WHOLE,
    Alpha,
    AlphaOfWhole,
    Architecture,
    Batch,
    Channels,
    Epochs,
    Height,
    LearningRate,
    Parts,
    Precision,
    RecipeName,
    Resume,
    Run,
    Target,
    Temperature,
    Weights,
    Width,
    Workers,
)
from training.errors import TrainingError

if TYPE_CHECKING:
    from training.speed.slim import Cost, Slim
    from training.speed.sparsify import Sparsified

# Hinton et al. 2015 tried 1 to 20: at 4 a logit margin of 10 still leaves 8 % to the other class.
TEMPERATURE = 4.0
OF_ZEROING = ("data", "amount", "threads", "cache")  # the options of prune for it; all others train
ALPHA = 0.5  # the documents': loss = criterion(student, labels) + 0.5 * distillation_loss(student, teacher)


def prune(
    context: typer.Context,
    artifact: Artifact,
    out: Target,
    data: Annotated[
        Path | None,
        typer.Option(help="Pictures: to judge zeroed weights, or to train on what is left of the channels."),
    ] = None,
    amount: Annotated[float, typer.Option(help="Share of the weights to zero, as documented.")] = 0.45,
    speed_up: Annotated[float | None, typer.Option(help="Remove channels, for so many times fewer FLOPs.")] = None,
    ratio: Annotated[float | None, typer.Option(help="Remove this share of each layer's channels.")] = None,
    recipe: RecipeName = "documented",
    epochs: Epochs = None,
    batch: Batch = None,
    learning_rate: LearningRate = None,
    temperature: Temperature = TEMPERATURE_OF_WHOLE,
    alpha: AlphaOfWhole = ALPHA_OF_WHOLE,
    precision: Precision = "auto",
    seed: Seed = 0,
    resume: Resume = False,
    workers: Workers = 0,
    threads: Threads = 0,
    cache: Cache = DEFAULT_CACHE,
) -> None:
    """Zero the smallest weights, as documented; or remove whole channels (--speed-up, --ratio) and train again."""
    from training.learning.recipes import chosen
    from training.learning.train import train_run
    from training.photos.folders import check_writable, outside
    from training.speed.slim import slim_artifact
    from training.speed.sparsify import sparsify_artifact
    from training.threads import use_threads

    if data:
        outside(out, data)
    use_threads(threads)  # the times that are printed are of so many
    if speed_up is None and ratio is None:
        if odd := given_options(context, *OF_ZEROING):
            raise TrainingError(f"{odd[0]} is for channels that go; give --speed-up or --ratio too, or leave it out.")
        print_sparsified(sparsify_artifact(artifact, out, amount=amount, data=data, cache=cache))
        written(out, shlex.join(["export", str(out), "FLOAT", "--data", str(data or "DATA")]))
        return
    if data is None or (speed_up is not None and ratio is not None):
        raise TrainingError("Give one of --speed-up and --ratio, and with --data the pictures to train on afterwards.")
    if was_given(context, "amount"):
        raise TrainingError("--amount is for weights that become zeros; leave it out, or --speed-up and --ratio.")
    check_writable(out)
    slim = slim_artifact(artifact, ratio=ratio, speed_up=speed_up)
    wanted = chosen(recipe, epochs=epochs, batch=batch, learning_rate=learning_rate, precision=precision)
    wanted, origin = slim.training(wanted, temperature=temperature, alpha=alpha)
    print_slim(slim)
    made = train_run(
        data, out, wanted, seed=seed, threads=threads, cache=cache, resume=resume, workers=workers, origin=origin
    )
    if made is not None:
        written(out, after_training(out, data))


def print_sparsified(found: "Sparsified") -> None:
    """The zeros layer by layer, and what they are good for."""
    from training.threads import on_threads

    print(f"{'layer':24}{'weights':>12}{'zeros':>12}{'share':>9}")
    for each in (*found.layers, found.whole):
        print(f"{each.layer:24}{each.weights:>12,}{each.zeros:>12,}{each.share:>9.1%}")
    print(
        f"one picture in PyTorch {on_threads()}: {found.time.before_ms:.1f} ms before, {found.time.after_ms:.1f} ms "
        f"after, by turns; {found.time.words()}. A zero is multiplied like any number: only channels that are gone "
        "(--speed-up) help"
    )
    if found.change:
        print(found.change.words())


def print_slim(slim: "Slim") -> None:
    """What it cost and costs."""
    from training.threads import on_threads

    before_ms, after_ms = slim.milliseconds
    print(f"without {slim.removed:.1%} of the channels, one picture by turns in PyTorch {on_threads()}:")
    print_costs(slim.before, slim.after)
    print(f"milliseconds {before_ms:>16.1f} → {after_ms:>16.1f}")
    if slim.stayed:
        print(
            f"{slim.stayed} layers keep all their channels, since none of so few would be left; "
            "a smaller --ratio may gain more"
        )


def print_costs(before: "Cost", after: "Cost") -> None:
    """What one picture takes of two networks."""
    fewer = f"  ({before.flops / after.flops:.2f} times fewer)" if after.flops < before.flops else ""
    print(f"FLOPs        {before.flops:>16,} → {after.flops:>16,}{fewer}")
    print(f"parameters   {before.parameters:>16,} → {after.parameters:>16,}")


def print_student(teacher: "Cost", student: "Cost") -> None:
    """What the student will cost beside its teacher, and what to do where that is no less."""
    print("teacher → student, one picture:")
    print_costs(teacher, student)
    if student.flops >= teacher.flops:
        print(
            "the student works as much as its teacher or more, and will be no faster; give --channels below 1, a "
            "smaller --architecture or a smaller --height and --width, or prune the teacher (prune --speed-up) instead"
        )


def distill(
    teacher: Artifact,
    data: Parts,
    out: Run,
    architecture: Architecture = None,
    temperature: Temperature = TEMPERATURE,
    alpha: Alpha = ALPHA,
    recipe: RecipeName = "documented",
    weights: Weights = None,
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
    cache: Cache = DEFAULT_CACHE,
) -> None:
    """Train a smaller network on the labels and a larger one's soft answers, at the teacher's input size."""
    from training.learning.recipes import chosen
    from training.learning.train import train_run
    from training.speed.distill import costs_of, taught_by

    origin, (high, wide) = taught_by(teacher, temperature, alpha)
    wanted = chosen(
        recipe,
        epochs=epochs,
        height=height or high,
        width=width or wide,
        architecture=architecture,
        weights=weights,
        channels=channels,
        batch=batch,
        learning_rate=learning_rate,
        precision=precision,
    )
    print_student(*costs_of(teacher, wanted))
    made = train_run(
        data, out, wanted, seed=seed, threads=threads, cache=cache, resume=resume, workers=workers, origin=origin
    )
    if made is not None:
        written(out, after_training(out, data))


def benchmark(
    artifact: Annotated[
        list[Path], typer.Argument(help="Artifact folders: what train, export, quantize, prune wrote.")
    ],
    out: Annotated[Path, typer.Option(help="Folder for the table and the plot.")] = Path("var/benchmark"),
    data: Annotated[
        Path | None, typer.Option(help="Labelled pictures, for the accuracy (test of what split wrote).")
    ] = None,
    engine: Annotated[list[str] | None, typer.Option(help="Only this; repeat for several. All when absent.")] = None,
    threads: Annotated[
        list[int] | None, typer.Option(min=1, help="Repeat for several. 1 and all cores when absent.")
    ] = None,
    batch: Annotated[list[int] | None, typer.Option(min=1, help="Repeat for several. 1 and 8 when absent.")] = None,
    rounds: Annotated[int, typer.Option(min=1, help="How often each case's turn comes.")] = 20,
    runs: Annotated[int, typer.Option(min=1, help="Runs a turn; p99 wants rounds x runs of 100 or more.")] = 5,
    cache: Cache = DEFAULT_CACHE,
) -> None:
    """Measure every artifact in every engine, by turns and each in its own process, and say which to serve here."""
    from loky import cpu_count
    from rich.console import Console

    from resnet_server.engines import WEIGHT_SUFFIX
    from training.photos.folders import outside
    from training.speed.benchmark import benchmark as measure
    from training.speed.benchmark import cases_of
    from training.speed.results import FEW_RUNS, prepare, recommendation, table_of, write_results

    if data:
        outside(out, data)
    cases = cases_of(artifact, engine or list(WEIGHT_SUFFIX), threads or [1, cpu_count()], batch or [1, 8])
    prepare(out)  # what cannot be written to is said before the minutes of measuring
    rows = measure(cases, rounds=rounds, runs=runs, data=data, cache=cache)
    Console(width=140).print(table_of(rows))
    if rounds * runs < FEW_RUNS:
        print(f"p99 is the slowest of {rounds * runs} runs; with {FEW_RUNS} or more (--rounds, --runs) it says more")
    for path in write_results(rows, out):
        written(path)
    print(recommendation(rows))


def engine(
    artifact: Artifact,
    out: Annotated[Path, typer.Argument(metavar="FILE", help="The engine to write, e.g. model.engine.")],
    precision: Annotated[Literal["fp32", "fp16", "int8"], typer.Option(help="Of the engine.")] = "fp16",
    data: Annotated[Path | None, typer.Option(help="Pictures to calibrate int8 on.")] = None,
    batch: Annotated[int, typer.Option(min=1, help="The largest that it shall take.")] = 8,
    cache: Cache = DEFAULT_CACHE,
) -> None:
    """Build a TensorRT engine of what export wrote, on the GPU that will run it; kept only if it answers alike."""
    from training.speed.tensorrt_engine import build_engine

    gap = build_engine(artifact, out, precision=precision, data=data, cache=cache, batch=batch)
    print(f"the engine's logits are within {gap:.4f} of ONNX Runtime's, and the classes are the same")
    written(out)
    print(f"next: trtexec --loadEngine={shlex.quote(str(out))}")


STEPS: tuple[Callable[..., None], ...] = (prune, distill, benchmark, engine)
