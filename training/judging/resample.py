"""Bootstrap intervals: how far a number could move if other pictures, or other groups of them, had been collected."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from training.judging.answers import Answers
from training.judging.metrics import is_grouped

RESAMPLES = 2000
SEED = 0
Weights = npt.NDArray[np.int64]  # (N,): how often each picture was drawn
Interval = tuple[float, float]


@dataclass(frozen=True)
class Intervals:
    """The 95 % interval of each number, and what was drawn with replacement: "groups" or "pictures"."""

    unit: str
    units: int
    of: dict[str, Interval]


def bootstrap(answers: Answers, statistics: Callable[[Weights], dict[str, float]]) -> Intervals:
    """Percentile intervals (Efron 1979) over RESAMPLES draws with a fixed seed.

    Pictures of one source resemble each other, so whole groups are drawn where any holds several pictures and each
    class comes from at least two; single pictures would give intervals that are too narrow. A number may be NaN for
    draws that do not have it.
    """
    unit, codes = drawn_units(answers)
    count = int(codes.max()) + 1
    rng = np.random.default_rng(SEED)
    shares = np.full(count, 1 / count)
    found = [statistics(rng.multinomial(count, shares)[codes]) for _ in range(RESAMPLES)]
    edges = {name: np.nanpercentile([each[name] for each in found], (2.5, 97.5)) for name in found[0]}
    return Intervals(unit, count, {name: (float(low), float(high)) for name, (low, high) in edges.items()})


def rule_of_three(units: int) -> float:
    """Per cent: what never happened in so many independent units may have that probability (95 %).

    Hanley and Lippman-Hand 1983, "If nothing goes wrong, is everything all right?".
    """
    return min(100, 300 / units)


def drawn_units(answers: Answers) -> tuple[str, npt.NDArray[np.int64]]:
    """ "groups" or "pictures", and the number of each picture's unit: int64 (N,)."""
    _, codes = np.unique(answers.groups, return_inverse=True)
    groups_a_class = [len(np.unique(codes[answers.labels == label])) for label in np.unique(answers.labels)]
    if is_grouped(answers) and min(groups_a_class) >= 2:
        return "groups", codes
    return "pictures", np.arange(len(answers))


def class_accuracies(answers: Answers, weights: Weights) -> tuple[float, float]:
    """The accuracy of each class among the drawn pictures; NaN for a class of which none was drawn."""
    right = answers.logits.argmax(1) == answers.labels
    totals = np.bincount(answers.labels, weights=weights, minlength=2)
    hits = np.bincount(answers.labels, weights=weights * right, minlength=2)
    offline, online = np.divide(hits, totals, out=np.full(2, np.nan), where=totals > 0)
    return float(offline), float(online)
