"""The command line of the pipeline: python -m training <step>; the steps are listed in the order they are run."""

import json
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from training.errors import TrainingError

# Steps import what they need when they run: torch takes seconds to load, and --help should not wait for it.

app = typer.Typer(no_args_is_help=True, add_completion=False, help=__doc__, pretty_exceptions_enable=False)

Data = Annotated[Path, typer.Argument(help="Folder with sub-folders offline and online; optionally manifest.csv.")]
Runs = Annotated[Path, typer.Argument(help="Folder of the cross-validation: what it wrote, one file a fold.")]
Seed = Annotated[int, typer.Option(help="Same seed, data and thread count: same weights.")]
Threads = Annotated[int, typer.Option(help="CPU threads; 0 takes the CPU quota. One fold a core is fastest with 1.")]
Cache = Annotated[Path, typer.Option(help="Where decoded pixels are kept between runs (2.6 GB for 750 pictures).")]
DEFAULT_CACHE = Path("var/training-cache")


@app.command("cross-validate")
def cross_validate(
    data: Data,
    out: Runs,
    fold: Annotated[list[int] | None, typer.Option(help="Only this fold; repeat for several. All when absent.")] = None,
    seed: Seed = 0,
    threads: Threads = 0,
    cache: Cache = DEFAULT_CACHE,
) -> None:
    """Train the recipe on three quarters of the groups and answer about the rest, four times. Resumes by fold."""
    from training.crossval import FOLDS, run_fold

    canvases, served = load_both(data, cache, threads)
    for number in range(FOLDS) if fold is None else fold:
        if not 0 <= number < FOLDS:
            raise TrainingError(f"There is no fold {number}; they are 0 to {FOLDS - 1}.")
        written(run_fold(canvases, served, number, out, seed=seed))
    print(f"next: python -m training calibrate {out}")


@app.command()
def calibrate(out: Runs, worst: Annotated[int, typer.Option(help="How many mistakes to list.")] = 20) -> None:
    """Measure the held-out answers and fit the temperature: OUT/metrics.json."""
    from training.calibrate import measure
    from training.calibrate import worst as worst_answers
    from training.crossval import read_answers

    answers = read_answers(out)
    metrics = measure(answers)
    path = out / "metrics.json"
    path.write_text(json.dumps(metrics, indent=2) + "\n", encoding="utf-8")
    print(json.dumps(metrics, indent=2))
    for name, truth in worst_answers(answers, metrics["temperature"], worst):
        print(f"{truth:.3f} {name}")
    written(path)
    print("next: python -m training train DATA CHECKPOINT")


@app.command()
def train(
    data: Data,
    checkpoint: Annotated[Path, typer.Argument(help="The .pt file to write; its history lies beside it.")],
    seed: Seed = 0,
    threads: Threads = 0,
    cache: Cache = DEFAULT_CACHE,
    preview: Annotated[bool, typer.Option("--preview", help="A few epochs only: for trying the pipeline.")] = False,
) -> None:
    """Train the recipe on every picture of DATA."""
    from training.train import PREVIEW, RECIPE, save_checkpoint
    from training.train import train as train_network

    canvases, _ = load_both(data, cache, threads)
    recipe = PREVIEW if preview else RECIPE
    history = checkpoint.with_suffix(".csv")
    model = train_network(canvases, list(range(len(canvases.samples))), recipe, seed, history)
    save_checkpoint(checkpoint, model, recipe, seed, canvases.sha256)
    written(checkpoint)
    print(f"next: python -m training export {checkpoint} {checkpoint.with_suffix('.onnx')}")


@app.command()
def export(
    checkpoint: Annotated[Path, typer.Argument(help="What `train` wrote.")],
    target: Annotated[Path, typer.Argument(help="The float .onnx file to write.")],
) -> None:
    """Write ONNX, and compare PyTorch, ONNX Runtime and OpenVINO at batch 1, 2 and 7."""
    from training import export as steps
    from training.golden import draw_golden
    from training.package import golden_views
    from training.train import SERVED_HEIGHT, SERVED_WIDTH

    model = steps.load_checkpoint(checkpoint)
    steps.export(model, target, SERVED_HEIGHT, SERVED_WIDTH)
    runs = [steps.torch_run(model), steps.onnxruntime_run(target), steps.openvino_run(target)]
    gap = steps.check_agreement(runs, golden_views(draw_golden()), steps.FLOAT_TOLERANCE)
    print(f"three engines agree within {gap:.6f}")
    written(target)
    print(f"next: python -m training quantise {target} DATA {target.with_stem(target.stem + '-int8')}")


@app.command()
def quantise(
    source: Annotated[Path, typer.Argument(help="The float .onnx file.")],
    data: Data,
    target: Annotated[Path, typer.Argument(help="The int8 .onnx file to write.")],
    cache: Cache = DEFAULT_CACHE,
) -> None:
    """Turn to int8; refuses when mean accuracy on DATA drops by more than half a point."""
    from training.quantise import quantise_checked

    _, served = load_both(data, cache, 0)
    drop = quantise_checked(source, target, served)
    print(f"mean accuracy drops by {100 * drop:.2f} points")
    written(target)
    print(f"next: python -m training package {target} CHECKPOINT METRICS ARTIFACT")


@app.command()
def package(
    weights: Annotated[Path, typer.Argument(help="The .onnx file to serve.")],
    checkpoint: Annotated[Path, typer.Argument(help="What `train` wrote: seed and data hash come from it.")],
    metrics: Annotated[Path, typer.Argument(help="What `calibrate` wrote.")],
    folder: Annotated[Path, typer.Argument(help="The artifact to write.")],
    name: Annotated[str, typer.Option(help="The version is this and 8 digits of the weights' hash.")] = "class-photos",
) -> None:
    """Write the artifact that a server loads, and check it as the server does."""
    from training import package as steps

    document: dict[str, Any] = json.loads(metrics.read_text(encoding="utf-8"))
    manifest = steps.package(weights, checkpoint, document, folder, name, steps.COMMAND)
    print(f"version {manifest.version}, golden logits {list(manifest.golden_logits)}")
    written(folder)


def load_both(folder: Path, cache: Path, threads: int) -> tuple[Any, Any]:
    """The pictures as canvases to crop from and at the served size; says what is skipped, and sets the thread count."""
    import torch
    from loky import cpu_count

    from training.data import load
    from training.train import CANVAS_HEIGHT, CANVAS_WIDTH, SERVED_HEIGHT, SERVED_WIDTH

    torch.set_num_threads(threads or cpu_count())
    canvases = load(folder, CANVAS_HEIGHT, CANVAS_WIDTH, cache)
    for item in canvases.skipped:
        print(f"skipped {item.path}: {item.reason}")
    counts = [int((canvases.labels == label).sum()) for label in (0, 1)]
    print(f"{counts[0]} offline, {counts[1]} online, {len(canvases.skipped)} skipped, data {canvases.sha256[:16]}")
    return canvases, load(folder, SERVED_HEIGHT, SERVED_WIDTH, cache)


def written(path: Path) -> None:
    """Say what a step wrote."""
    print(f"wrote {path}")


if __name__ == "__main__":
    try:
        app()
    except TrainingError as exc:
        sys.exit(f"error: {exc}")
