"""The steps that judge: what a network costs, how good a model is, what it answers, which architecture to take."""

import contextlib
import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from training.commands import DEFAULT_CACHE, Artifact, Cache, Seed, Threads, written
from training.commands.options import Epochs, Freeze, Height, RecipeName, Resume, Weights, Width

if TYPE_CHECKING:
    from training.serving.engines import Model

EngineName = Literal["auto", "openvino", "onnxruntime", "pytorch"]
Engine = Annotated[EngineName, typer.Option(help="auto: OpenVINO for .onnx, PyTorch for .pth.")]
Side = Annotated[int | None, typer.Option(help="Pixels.", min=32, max=4096, show_default="224, or the artifact's own")]


def summary(
    network: Annotated[
        str, typer.Argument(help="resnet18, 34, 50, 101, 152, mobilenet_v2, or an artifact folder.", metavar="NETWORK")
    ],
    height: Side = None,
    width: Side = None,
    freeze: Annotated[bool, typer.Option("--freeze", help="As trained by --freeze: the last layer alone.")] = False,
) -> None:
    """Print layers, output shapes, parameters, multiply-adds, FLOPs and memory of a network."""
    from training.judging.summary import summary_text

    print(summary_text(network, height, width, freeze=freeze))


def evaluate(
    model: Annotated[
        Path, typer.Argument(help="Artifact folder, or answers: cross-validate's folder or evaluate's answers.csv.")
    ],
    data: Annotated[
        Path | None,
        typer.Argument(help="Data set, or what split wrote (its test part is taken). For answers: to show pictures."),
    ] = None,
    out: Annotated[Path, typer.Option(help="Folder for the page, plots and numbers.")] = Path("var/evaluation"),
    against: Annotated[Path | None, typer.Option(help="Another model, judged on the same pictures.")] = None,
    part: Annotated[
        Literal["train", "val", "test"] | None, typer.Option(help="Of what split wrote.", show_default="test")
    ] = None,
    engine: Engine = "auto",
    threads: Threads = 0,
    cache: Cache = DEFAULT_CACHE,
) -> None:
    """Judge a model on labelled pictures, alone or against another: index.html, metrics.json, answers.csv, plots."""
    from training.judging.evaluate import evaluate as run
    from training.judging.evaluate import flawless

    numbers = run(model, data, out, against=against, part=part, engine=engine, threads=threads, cache=cache)
    drawn = numbers["intervals_95"]
    low, high = drawn["mean_accuracy"]
    accuracy = numbers["accuracy"]
    print(f"measured on {numbers['measured_on']}" + skipped_words(numbers["skipped"]))
    print(f"accuracy: offline {accuracy['offline']:.4f}, online {accuracy['online']:.4f}")
    spread = f" (95 %: {low:.4f} to {high:.4f}, {drawn['units']} {drawn['drawn']} drawn)" if numbers["wrong"] else ""
    print(f"mean of both {numbers['mean_accuracy']:.4f}{spread}")
    print(f"wrong {numbers['wrong']} of {numbers['pictures']}, AUC {numbers['auc']:.4f}, ECE {numbers['ece']:.4f}")
    if words := flawless(numbers):
        print(words)
    if "against" in numbers:
        print(numbers["against"]["verdict"])
    written(out / "index.html")
    metrics = out / "metrics.json"
    step = ["package", str(model), "ARTIFACT", "--metrics", str(metrics)]
    written(metrics, shlex.join(step) if (model / "manifest.json").exists() else "")


def skipped_words(count: int) -> str:
    """Nothing for none."""
    return f"; {count} files skipped, the page says why" if count else ""


def predict(
    artifact: Artifact,
    source: Annotated[Path, typer.Argument(metavar="FILE|DIR", help="A picture, or a folder searched to the bottom.")],
    out: Annotated[
        Path | None, typer.Option(help="CSV for a folder's answers.", show_default="standard output")
    ] = None,
    engine: Engine = "auto",
    threads: Threads = 0,
) -> None:
    """Answer one picture (label, score, milliseconds) or a folder of them (CSV; bad files are listed, not fatal)."""
    from training.judging.forward import load_model
    from training.judging.predict import check_table, predict_file, warm_up

    if out:
        check_table(out)
    model = load_model(artifact, engine, threads)
    warm_up(model)
    if source.is_dir():
        predict_folder(model, source, out)
        return
    answer = predict_file(model, source)
    times = f"{answer.inference_ms:.1f} ms inference, {answer.decode_ms:.1f} ms reading and resizing"
    print(f"{answer.label} {answer.score:.4f} ({times})")
    if out:
        predict_files_to(out, model, source.parent, [source])
        written(out)


def predict_folder(model: "Model", folder: Path, out: Path | None) -> None:
    """Every file below `folder` into `out`, or to standard output; what is not the table goes to standard error."""
    from training.judging.predict import files_to_answer

    files = files_to_answer(folder, out)
    bad = predict_files_to(out, model, folder, files)
    words = f"{len(files) - bad} answered" + (f", {bad} not: the column error says why" if bad else "")
    print(words, file=sys.stderr)
    if out:
        written(out)


def predict_files_to(out: Path | None, model: "Model", folder: Path, files: list[Path]) -> int:
    """The table of answers, under a progress bar. Returns: how many files could not be answered."""
    from rich.console import Console
    from rich.progress import track

    from training.judging.predict import predict_files

    with contextlib.ExitStack() as stack:
        if out:
            out.parent.mkdir(parents=True, exist_ok=True)
        target = out or sys.stdout.fileno()
        # A name that is no UTF-8 goes into the table as the bytes that it has on disk.
        table = stack.enter_context(
            open(target, "w", encoding="utf-8", newline="", errors="surrogateescape", closefd=bool(out))
        )
        answered = predict_files(model, folder, files, table)
        console = Console(stderr=True)
        return sum(not each for each in track(answered, "predicting", len(files), console=console, transient=True))


def compare(
    data: Annotated[Path, typer.Argument(help="Folder that split wrote: trained on train, compared on val.")],
    out: Annotated[Path, typer.Argument(help="Folder for the artifacts, the table, the plot and the page.")],
    architecture: Annotated[list[str], typer.Option(help="Name each: --architecture resnet18 --architecture …")],
    recipe: RecipeName = "documented",
    epochs: Epochs = None,
    height: Height = None,
    width: Width = None,
    weights: Weights = None,
    freeze: Freeze = False,
    seed: Seed = 0,
    threads: Threads = 0,
    cache: Cache = DEFAULT_CACHE,
    resume: Resume = False,
) -> None:
    """Train several architectures alike and rank them by accuracy and latency."""
    from training.judging.compare import compare as run
    from training.learning.recipes import chosen

    wanted = chosen(recipe, epochs=epochs, height=height, width=width, weights=weights, freeze=freeze)
    ranked = run(data, out, architecture, wanted, seed=seed, threads=threads, cache=cache, resume=resume)
    for place, each in enumerate(ranked, 1):
        note = "  dominated" if each.dominated else ""
        print(f"{place}. {each.architecture:<13}{each.mean_accuracy:.4f}  {each.inference_ms:8.1f} ms{note}")
    written(out / "comparison.csv")
    best, report = out / ranked[0].architecture, out / "report"
    written(out / "index.html", shlex.join(["evaluate", str(best), str(data), "--out", str(report)]))


STEPS = (summary, evaluate, predict, compare)
