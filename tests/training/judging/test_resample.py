"""Intervals by drawing again."""

import numpy as np
import pytest

from tests.training.shades import answers
from training.judging.answers import Answers
from training.judging.resample import RESAMPLES, Weights, bootstrap, class_accuracies


def accuracy_interval(given: Answers) -> tuple[str, float, float]:
    def statistics(weights: Weights) -> dict[str, float]:
        return {"online": class_accuracies(given, weights)[1]}

    found = bootstrap(given, statistics)
    return found.unit, *found.of["online"]


def test_the_interval_of_single_pictures_is_the_binomial_one() -> None:
    unit, low, high = accuracy_interval(answers([1] * 100, [1.0] * 80 + [-1.0] * 20))
    assert unit == "pictures"
    assert [low, high] == pytest.approx([0.72, 0.88], abs=0.011)  # 0.8 ± 1.96 · 0.04


def test_groups_that_are_right_or_wrong_as_a_whole_widen_the_interval() -> None:
    margins, groups = [1.0] * 80 + [-1.0] * 20, [f"g{index // 20}" for index in range(100)]
    unit, low, high = accuracy_interval(answers([1] * 100, margins, groups))
    assert unit == "groups"
    assert [low, high] == pytest.approx([0.4, 1.0])


def test_a_class_of_a_single_group_is_drawn_by_picture() -> None:
    assert accuracy_interval(answers([1, 1], [1, 1], ["x", "x"])) == ("pictures", 1.0, 1.0)
    unit, *_ = accuracy_interval(answers([1, 1, 0, 0], [1, 1, 1, 1], ["x", "y", "z", "z"]))
    assert unit == "pictures"


def test_every_draw_has_as_many_units_as_there_are_and_is_the_same_each_time() -> None:
    given = answers([0, 1, 1, 0], [1, 1, 1, 1], ["x", "x", "y", "z"])
    draws: list[Weights] = []

    def statistics(weights: Weights) -> dict[str, float]:
        draws.append(weights)
        return {"sum": float(weights[[0, 2, 3]].sum())}  # one picture of each group

    assert bootstrap(given, statistics).of == {"sum": (3.0, 3.0)}
    assert all(draw[0] == draw[1] for draw in draws)  # x is drawn whole
    bootstrap(given, statistics)
    assert np.array_equal(draws[:RESAMPLES], draws[RESAMPLES:])


def test_a_class_that_is_not_drawn_has_no_accuracy() -> None:
    offline, online = class_accuracies(answers([0, 1], [-1, -1]), np.array([2, 0]))
    assert offline == 1.0
    assert np.isnan(online)
