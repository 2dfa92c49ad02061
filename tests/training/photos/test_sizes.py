"""The rule for the input size, on distributions made here."""

import numpy as np
import pytest

from training.photos.sizes import Interval, dense_interval, density, half_peak, suggested_input


def documented(low: int, high: int, far: int, seed: int) -> list[int]:
    """Four fifths between low and high, the rest up to far, as the documents describe their plots."""
    rng = np.random.default_rng(seed)
    values = np.concatenate([rng.uniform(low, high, 1600), rng.uniform(high, far, 400)])
    return [int(value) for value in values]


@pytest.mark.parametrize("seed", range(5))
def test_the_rule_gives_the_documented_750_by_500_for_the_documented_distributions(seed: int) -> None:
    width = dense_interval(documented(500, 1000, 2000, seed))
    height = dense_interval(documented(250, 750, 2000, seed))
    assert (width.low, width.high, height.low, height.high) == (500, 1000, 250, 750)
    assert (width.middle, height.middle) == (750, 500)
    assert suggested_input({"width": width, "height": height}) == (500, 750)
    assert 0.78 < width.share < 0.82


def test_dense_is_where_the_curve_is_at_least_half_as_high_as_its_peak() -> None:
    points = np.arange(101.0)
    assert half_peak(points, 50 - abs(points - 50)) == (25, 75)
    two_peaks = np.maximum(10 - abs(points - 20), 8 - abs(points - 80)).clip(0)
    assert half_peak(points, two_peaks) == (15, 25)


def test_a_narrow_interval_is_rounded_more_finely() -> None:
    values = [round(value) for value in np.random.default_rng(0).normal(640, 20, 500)]
    interval = dense_interval(values)
    assert (interval.low % 10, interval.high % 10) == (0, 0)
    assert interval.middle == pytest.approx(640, abs=10)


def test_equal_values_are_their_own_interval() -> None:
    assert dense_interval([1080] * 9) == Interval(1080, 1080, 1.0)
    assert density([1080] * 9) is None
    assert dense_interval([333]) == Interval(333, 333, 1.0)


def test_the_highest_of_two_peaks_decides() -> None:
    rng = np.random.default_rng(1)
    values = [round(v) for v in np.concatenate([rng.normal(500, 30, 700), rng.normal(3000, 30, 300)])]
    interval = dense_interval(values)
    assert 400 <= interval.middle < 1000
