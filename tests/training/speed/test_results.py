"""What a benchmark says: the table, the file, the plot and the recommendation."""

import csv
import io
import re
from dataclasses import replace
from pathlib import Path

from rich.console import Console

from training.speed.benchmark import Row
from training.speed.results import fastest, points_of, prepare, recommendation, table_of, write_results


def row(variant: str, p50: float, accuracy: float | None, threads: int = 1, batch: int = 1) -> Row:
    return Row(variant, "openvino", threads, batch, p50, p50 + 1, p50 + 2, 1000 * batch / p50, 11.0, 150.0, accuracy)


ROWS = [
    row("float", 30, 0.984),
    row("float", 20, 0.984, threads=2),
    row("int8", 10, 0.981, threads=2),
    row("int8", 12, 0.981),
    row("int8", 60, 0.981, batch=8),
    row("sparse", 21, 0.983),
    row("slim", 5, 0.970),
]


def test_each_variant_stands_for_its_fastest_lone_answer() -> None:
    assert [(each.variant, each.p50_ms) for each in fastest(ROWS)] == [
        ("slim", 5), ("int8", 10), ("float", 20), ("sparse", 21),
    ]  # fmt: skip


def test_the_fastest_of_the_accurate_ones_is_recommended() -> None:
    sentence = recommendation(ROWS)
    assert sentence.startswith("On this machine (")
    assert sentence.endswith(
        "serve int8 by openvino with 2 thread(s): 10.00 ms at the median of batch 1 at an accuracy of 0.9810, "
        "the fastest of those within 0.5 points of the best accuracy, 0.9840."
    )


def test_without_accuracy_the_recommendation_says_what_is_not_known() -> None:
    sentence = recommendation([row("float", 30, None), row("int8", 10, None)])
    assert "serve int8 by openvino" in sentence
    assert sentence.endswith("the fastest; whether it is as accurate is not known without --data.")


def test_what_another_beats_in_both_is_not_on_the_front() -> None:
    assert {point.name: point.dominated for point in points_of(ROWS)} == {
        "slim openvino": False, "int8 openvino": False, "float openvino": False, "sparse openvino": True,
    }  # fmt: skip


def test_the_file_holds_every_row_and_the_plot_wants_accuracies(tmp_path: Path) -> None:
    prepare(tmp_path / "new")
    assert write_results(ROWS, tmp_path / "new") == [
        tmp_path / "new" / "benchmark.csv",
        tmp_path / "new" / "tradeoff.png",
    ]
    with (tmp_path / "new" / "benchmark.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == len(ROWS)
    assert (rows[2]["variant"], rows[2]["threads"], rows[2]["p50_ms"], rows[2]["mean_accuracy"]) == (
        "int8",
        "2",
        "10",
        "0.981",
    )
    assert (tmp_path / "new" / "tradeoff.png").read_bytes()[:4] == b"\x89PNG"
    assert write_results([row("float", 30, None)], tmp_path) == [tmp_path / "benchmark.csv"]


def test_a_former_benchmarks_plot_does_not_stay_beside_another_table(tmp_path: Path) -> None:
    write_results(ROWS, tmp_path)
    write_results([row("float", 30, None)], tmp_path)
    assert [file.name for file in tmp_path.iterdir()] == ["benchmark.csv"]


def test_the_table_is_sorted_by_batch_and_latency() -> None:
    text = io.StringIO()
    Console(file=text, width=140).print(table_of(ROWS))
    lines = [line.split()[1] for line in text.getvalue().splitlines() if "openvino" in line]
    assert lines == ["slim", "int8", "int8", "float", "sparse", "float", "int8"]


def test_a_thread_more_must_be_worth_it() -> None:
    assert fastest([row("int8", 10, None, threads=8), row("int8", 10.9, None)])[0].threads == 1
    assert fastest([row("int8", 10, None, threads=8), row("int8", 11.1, None)])[0].threads == 8


def test_what_no_server_can_be_told_is_not_recommended() -> None:
    rows = [
        row("int8", 1, None, threads=1000),
        row("int8", 10, None),
        replace(row("pth", 2, None, threads=2), engine="pytorch"),
    ]
    assert "serve int8 by openvino with 1 thread(s): 10.00 ms" in recommendation(rows)


def test_where_nothing_can_be_served_that_is_said() -> None:
    rows = [row("int8", 1, 0.98, threads=1000), replace(row("pth", 2, 0.98, threads=2), engine="pytorch")]
    assert re.fullmatch(
        r"None of these can be served on this machine \(.*, \d+ cores\): each takes more threads than it has cores, "
        r"or more than the one of PyTorch; measure with --threads 1\.",
        recommendation(rows),
    )
