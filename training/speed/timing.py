"""Times several networks against each other: one run of each in turn, so that the machine's noise hits all alike."""

import random
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import count, islice
from statistics import median

import numpy as np
from scipy.stats import binom

from training.serving.export import Run

WARM_UP, RUNS = 3, 15
MOST_RUNS = 8 * RUNS  # for a difference: half a minute of a network that takes an eighth of a second
SURE = 0.05  # of the median: half an interval that is no wider tells a difference worth having from none


@dataclass(frozen=True)
class Difference:
    """Median milliseconds of one picture before and after, and where the median of the differences lies (95 %)."""

    before_ms: float
    after_ms: float
    low_ms: float
    high_ms: float

    @property
    def is_sure(self) -> bool:
        """Whether the interval is narrow enough to say that there is none; on a busy machine it may never be."""
        return (self.high_ms - self.low_ms) / 2 <= SURE * self.before_ms

    def words(self) -> str:
        """How sure the difference is."""
        none = "so none is seen" if self.is_sure else "too noisy here to tell: run it again when the machine is idle"
        seen = "" if self.low_ms > 0 or self.high_ms < 0 else f", {none}"
        return f"the difference lies between {self.low_ms:+.1f} and {self.high_ms:+.1f} ms (95 %){seen}"


def difference(before: Run, after: Run, height: int, width: int) -> Difference:
    """Two networks by turns, compared turn by turn, RUNS after RUNS until it is sure or there are MOST_RUNS."""
    endless = turns([before, after], height, width)
    taken = list(islice(endless, RUNS))
    while not (found := compared(taken)).is_sure and len(taken) < MOST_RUNS:
        taken += islice(endless, RUNS)
    return found


def compared(taken: Sequence[Sequence[float]]) -> Difference:
    """Of turns that took so many milliseconds before and after.

    The interval is that of the sign test: of n sorted differences the k-th from either end, k by the binomial
    distribution (Conover, Practical Nonparametric Statistics, 3.2).
    """
    first, second = zip(*taken, strict=True)
    changes = sorted(after - before for before, after in taken)
    kth = max(1, int(binom.ppf(0.025, len(changes), 0.5)))
    return Difference(median(first), median(second), changes[kth - 1], changes[-kth])


def interleaved_ms(runs: Sequence[Run], height: int, width: int) -> list[float]:
    """Median milliseconds of one picture, uint8 (1, height, width, 3), for each, in RUNS turns."""
    return [median(mine) for mine in zip(*islice(turns(runs, height, width), RUNS), strict=True)]


def turns(runs: Sequence[Run], height: int, width: int) -> Iterator[list[float]]:
    """Milliseconds of one picture, uint8 (1, height, width, 3), for each, turn by turn; the first runs allocate."""
    picture = np.random.default_rng(0).integers(0, 256, (1, height, width, 3), dtype=np.uint8)
    order, places = random.Random(0), range(len(runs))
    for turn in count():
        mine = [0.0] * len(runs)
        for place in order.sample(places, len(runs)):  # in another order each time: who comes after whom counts too
            start = time.perf_counter()
            runs[place](picture)
            mine[place] = (time.perf_counter() - start) * 1000
        if turn >= WARM_UP:
            yield mine
