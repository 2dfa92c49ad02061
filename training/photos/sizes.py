"""The documented rule for choosing the network's input: the middle of where widths and heights are dense.

The documents read it off two density plots by eye: widths are dense from 500 to 1000 and heights from 250 to 750, so
the input is 750 wide and 500 high. Here the same is computed: dense is where the density curve, a Gaussian kernel
estimate with Scott's bandwidth as those plots drew it, is at least half as high as its highest peak; the ends are
rounded to multiples of 250, as theirs, or of less where the interval is narrow.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.stats import gaussian_kde

STEPS = (250, 100, 50, 10)  # pixels
POINTS = 2048

Curve = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Interval:
    """A dense interval in pixels, its ends rounded, and the share of all values that lie in it."""

    low: int
    high: int
    share: float

    @property
    def middle(self) -> int:
        """Where the rule puts the input's side."""
        return round((self.low + self.high) / 2)


def density(values: Sequence[int]) -> tuple[Curve, Curve] | None:
    """Points and the estimated density there, three bandwidths beyond the data; None when all values are equal."""
    if len(set(values)) < 2:
        return None
    estimate = gaussian_kde(values)
    margin = 3 * float(np.sqrt(estimate.covariance[0, 0]))
    points = np.linspace(min(values) - margin, max(values) + margin, POINTS)
    return points, estimate(points)


def dense_interval(values: Sequence[int]) -> Interval:
    """The rounded interval around the highest peak in which density is at least half that peak's."""
    curve = density(values)
    low, high = (values[0], values[0]) if curve is None else half_peak(*curve)
    low, high = max(low, min(values)), min(high, max(values))
    step = next((step for step in STEPS if step <= (high - low) * 2 / 3), 1)
    low, high = step * round(low / step), step * round(high / step)
    inside = sum(low <= value <= high for value in values)
    return Interval(low, high, round(inside / len(values), 3))


def half_peak(points: Curve, heights: Curve) -> tuple[float, float]:
    """The ends of the stretch around the highest point in which the curve is at least half as high."""
    peak = int(heights.argmax())
    lower = np.flatnonzero(heights < heights[peak] / 2)
    first = lower[lower < peak].max(initial=-1) + 1
    last = lower[lower > peak].min(initial=len(points)) - 1
    return float(points[first]), float(points[last])


def suggested_input(dense: Mapping[str, Interval]) -> tuple[int, int]:
    """(height, width) by the rule."""
    return dense["height"].middle, dense["width"].middle
