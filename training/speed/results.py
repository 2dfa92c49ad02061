"""What a benchmark says: the table, the CSV file, the plot of accuracy against latency, and one recommendation."""

import platform
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from loky import cpu_count
from rich.table import Table

from training.judging.compare import beats
from training.judging.figures import Point, tradeoff_figure
from training.learning.run import write_rows
from training.pages.report import save_figure
from training.photos.folders import check_writable
from training.speed.benchmark import Row

CLOSE = 0.005  # of mean accuracy: half a point, what quantize accepts too
ALIKE = 0.1  # of the time: less is not worth a second thread, and another run may say otherwise
FEW_RUNS = 100


def table_of(rows: Sequence[Row]) -> Table:
    """One row a case, the fastest first within each batch size."""
    table = Table("variant", "engine")
    for name in ("threads", "batch", "p50 ms", "p95 ms", "p99 ms", "images/s", "file MB", "peak MB", "accuracy"):
        table.add_column(name, justify="right", no_wrap=True)
    for row in sorted(rows, key=lambda each: (each.batch, each.p50_ms)):
        accuracy = "" if row.mean_accuracy is None else f"{row.mean_accuracy:.4f}"
        times = (f"{value:.2f}" for value in (row.p50_ms, row.p95_ms, row.p99_ms, row.images_per_s))
        sizes = (f"{row.file_mb:.1f}", f"{row.peak_mb:.0f}", accuracy)
        table.add_row(row.variant, row.engine, str(row.threads), str(row.batch), *times, *sizes)
    return table


def prepare(out: Path) -> None:
    """Make the folder for write_results. Raises: TrainingError when nothing can be written there."""
    check_writable(out)
    out.mkdir(parents=True, exist_ok=True)


def write_results(rows: Sequence[Row], out: Path) -> list[Path]:
    """benchmark.csv and, where accuracy was measured, tradeoff.png. Returns: what was written."""
    table, plot = out / "benchmark.csv", out / "tradeoff.png"
    write_rows(table, [asdict(row) for row in rows])
    points = points_of(rows)
    if not points:
        plot.unlink(missing_ok=True)  # of a former benchmark: beside this table it would pass for its plot
        return [table]
    save_figure(tradeoff_figure(points), plot)
    return [table, plot]


def fastest(rows: Sequence[Row]) -> list[Row]:
    """Of each variant in each engine the fastest at the smallest batch, which is what a lone request meets.

    Of thread counts that are nearly as fast, the least.
    """
    smallest = min(row.batch for row in rows)
    found: dict[tuple[str, str], list[Row]] = {}
    for row in sorted(rows, key=lambda each: each.p50_ms):
        if row.batch == smallest:
            found.setdefault((row.variant, row.engine), []).append(row)
    return [
        min((row for row in alike if row.p50_ms <= alike[0].p50_ms * (1 + ALIKE)), key=lambda each: each.threads)
        for alike in found.values()
    ]


def can_be_served(row: Row) -> bool:
    """Whether a model server can be told so: no more threads than cores, in PyTorch one (see its engine)."""
    return row.threads <= (1 if row.engine == "pytorch" else cpu_count())


def points_of(rows: Sequence[Row]) -> list[Point]:
    """Milliseconds a picture and accuracy; none where accuracy was not measured."""
    chosen = [row for row in fastest(rows) if row.mean_accuracy is not None]
    return [
        Point(
            f"{row.variant} {row.engine}",
            row.mean_accuracy or 0.0,
            row.p50_ms / row.batch,
            dominated=any(beats(other, row) for other in chosen),
        )
        for row in chosen
    ]


def recommendation(rows: Sequence[Row]) -> str:
    """What to serve on this machine, and why, in one sentence; or that nothing of this can be."""
    served = [row for row in rows if can_be_served(row)]
    if not served:
        return (
            f"None of these can be served on this machine ({machine()}): each takes more threads than it has cores, or "
            "more than the one of PyTorch; measure with --threads 1."
        )
    chosen = fastest(served)
    known = [row.mean_accuracy for row in chosen if row.mean_accuracy is not None]
    close = [row for row in chosen if row.mean_accuracy is None or row.mean_accuracy >= max(known) - CLOSE]
    best = min(close, key=lambda row: row.p50_ms)
    why = (
        f"the fastest of those within {100 * CLOSE:g} points of the best accuracy, {max(known):.4f}"
        if known
        else "the fastest; whether it is as accurate is not known without --data"
    )
    accuracy = "" if best.mean_accuracy is None else f" at an accuracy of {best.mean_accuracy:.4f}"
    return (
        f"On this machine ({machine()}) serve {best.variant} by {best.engine} with {best.threads} thread(s): "
        f"{best.p50_ms:.2f} ms at the median of batch {best.batch}{accuracy}, {why}."
    )


def machine() -> str:
    """The processor and how many cores of it may be used."""
    names: list[str] = []
    info = Path("/proc/cpuinfo")  # Linux only; elsewhere Python's own word
    if info.exists():
        lines = info.read_text(encoding="utf-8").splitlines()
        names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return f"{names[0] if names else platform.machine()}, {cpu_count()} cores"
