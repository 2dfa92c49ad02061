"""The plots show what they are given."""

import numpy as np
import pytest
from matplotlib.lines import Line2D

from training.judging.figures import Point, histogram_figure, reliability_figure, roc_figure, tradeoff_figure

PROBABILITY = np.array([[0.9, 0.1], [0.4, 0.6], [0.3, 0.7], [0.0, 1.0]])
LABELS = np.array([0, 0, 1, 1])


def points(line: Line2D) -> np.ndarray:
    return np.asarray(line.get_xydata())


def test_the_roc_curve_runs_from_nothing_to_everything_and_marks_the_threshold() -> None:
    (axes,) = roc_figure(np.array([-2.0, 0.4, 0.8, 50.0]), LABELS, 1.0).axes
    _, curve, served = axes.lines
    assert (points(curve)[0].tolist(), points(curve)[-1].tolist()) == ([0, 0], [1, 1])
    assert points(served).tolist() == [[0.5, 1.0]]  # three are above 0


def test_the_reliability_plot_has_a_point_and_a_count_for_each_bin() -> None:
    (axes,) = reliability_figure(PROBABILITY, LABELS).axes
    assert points(axes.lines[1]) == pytest.approx(np.array([[0.6, 0], [0.7, 1], [0.9, 1], [1, 1]]))
    assert [text.get_text() for text in axes.texts] == ["1"] * 4


def test_the_histogram_counts_every_picture() -> None:
    (axes,) = histogram_figure(PROBABILITY, LABELS).axes
    assert sum(bar.get_height() for bar in axes.patches) == 4  # type: ignore[attr-defined]


def test_the_tradeoff_joins_the_models_that_none_beats() -> None:
    models = [Point("slow", 0.99, 90, False), Point("poor", 0.9, 95, True), Point("fast", 0.95, 20, False)]
    (axes,) = tradeoff_figure(models).axes
    assert points(axes.lines[0]).tolist() == [[20, 0.95], [90, 0.99]]
    assert [text.get_text() for text in axes.texts] == ["slow", "poor", "fast"]


def test_no_accuracy_above_1_stands_at_the_axis() -> None:
    ticks = tradeoff_figure([Point("all right", 1, 90, False), Point("poor", 0.5, 20, False)]).axes[0].get_yticks()
    assert max(ticks) == 1
    assert len(ticks) > 3


def test_many_points_of_a_tradeoff_are_numbered_and_named_beside_it() -> None:
    points = [Point(f"model {latency}", 0.9, latency, dominated=latency > 1) for latency in (5, 1, 2, 3, 4)]
    axes = tradeoff_figure(points).axes[0]
    assert [text.get_text() for text in axes.texts] == ["1", "2", "3", "4", "5"]
    legend = axes.get_legend()
    assert legend is not None
    assert [text.get_text() for text in legend.get_texts()] == [
        "1. model 1", "2. model 2", "3. model 3", "4. model 4", "5. model 5",
    ]  # fmt: skip
