"""`make bench`: both sides of every ratio on the same cores in one call; prints the table, writes JSON and a plot."""

from pathlib import Path
from typing import Annotated

import typer
from rich.progress import Progress

from benchmarks import measure, options, report
from benchmarks.book import Book
from benchmarks.options import OUT, Cores, Out, Photos, RealImages, Rounds, Seconds
from benchmarks.photos import LABELS, labelled, load_photos, sizes, write_bodies, write_files
from benchmarks.processes import others_are_busy, pin
from benchmarks.rows import FULL_REQUESTS, rows, unjudged


def bench(
    rounds: Rounds = 3,
    seconds: Seconds = 10,
    documented_seconds: Annotated[int, typer.Option(min=1, help="The same, for the slow documented stack.")] = 30,
    photos: Photos = 40,
    requests: Annotated[int, typer.Option(min=10, help="Requests over which the memory is watched.")] = 1000,
    long: Annotated[bool, typer.Option("--long", help=f"Watch the memory over {FULL_REQUESTS} requests.")] = False,
    cores: Cores = 2,
    real_images: RealImages = None,
    documented_weights: Annotated[
        Path | None,
        typer.Option(exists=True, help="state_dict of the documented ResNet-18, for its accuracy; else random."),
    ] = None,
    out: Out = OUT,
) -> None:
    """Measure everything and hold it against the targets."""
    console = options.console()
    pin(cores)
    busy = others_are_busy()
    facts = report.machine()
    chosen = load_photos(real_images, photos)
    book = Book()
    plan = measure.Plan(
        work=out.resolve() / "work",
        weights=documented_weights.resolve() if documented_weights else random_weights(out.resolve() / "random.pth"),
        rounds=rounds,
        seconds=seconds,
        documented_seconds=documented_seconds,
        requests=FULL_REQUESTS if long else requests,
    )
    write_bodies(chosen, plan.bodies)
    write_files(chosen, plan.photos)
    with Progress(console=console) as progress:
        measure.side_by_side(plan, book, progress)
        measure.alone(plan, book, progress)
        if real_images and documented_weights:
            measure.accuracy(plan, book, {label: labelled(real_images, label) for label in range(len(LABELS))})
    found = rows(book, plan.requests)
    facts |= {
        "photos": sizes(chosen),
        "real_photos": real_images is not None,
        "machine_was_busy": busy or others_are_busy(),
    }
    if facts["machine_was_busy"]:
        found = unjudged(found)
    report.write_json(out / "bench.json", facts, found, book)
    report.plot(out / "bench.png", book, f"{facts['cpu']}, {cores} cores")
    console.print(report.table(found))
    console.print(report.work(book))
    console.print(report.parts(book))
    for sentence in report.remarks(facts):
        report.say(console, sentence)
    if not (real_images and documented_weights):
        report.say(console, "Accuracy is not judged: that takes PM_REAL_IMAGES and --documented-weights.")
    report.say(console, f"wrote {out / 'bench.json'}\nwrote {out / 'bench.png'}")


def random_weights(path: Path) -> Path:
    """An untrained ResNet-18's state dictionary: as fast as a trained one, and as right as a coin."""
    import torch
    import torchvision

    torch.manual_seed(0)
    path.parent.mkdir(parents=True, exist_ok=True)
    torch.save(torchvision.models.resnet18(num_classes=2).state_dict(), path)
    return path


if __name__ == "__main__":
    options.run(bench)
