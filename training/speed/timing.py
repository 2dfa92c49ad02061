"""Times several networks against each other: one run of each in turn, so that the machine's noise hits all alike."""

import random
import time
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

import numpy as np
from scipy.stats import binom

from training.serving.export import Run

WARM_UP, RUNS = 3, 15


@dataclass(frozen=True)
class Difference:
    """Median milliseconds of one picture before and after, and where the median of the differences lies (95 %)."""

    before_ms: float
    after_ms: float
    low_ms: float
    high_ms: float

    def words(self) -> str:
        """How sure the difference is; on a busy machine it is not."""
        seen = "" if self.low_ms > 0 or self.high_ms < 0 else ", so none is seen"
        return f"the difference lies between {self.low_ms:+.1f} and {self.high_ms:+.1f} ms (95 %){seen}"


def difference(before: Run, after: Run, height: int, width: int) -> Difference:
    """Two networks by turns, compared turn by turn.

    The interval is that of the sign test: of n sorted differences the k-th from either end, k by the binomial
    distribution (Conover, Practical Nonparametric Statistics, 3.2).
    """
    first, second = interleaved([before, after], height, width)
    changes = sorted(after - before for before, after in zip(first, second, strict=True))
    kth = max(1, int(binom.ppf(0.025, len(changes), 0.5)))
    return Difference(median(first), median(second), changes[kth - 1], changes[-kth])


def interleaved_ms(runs: Sequence[Run], height: int, width: int) -> list[float]:
    """Median milliseconds of one picture, uint8 (1, height, width, 3), for each."""
    return [median(mine) for mine in interleaved(runs, height, width)]


def interleaved(runs: Sequence[Run], height: int, width: int) -> list[list[float]]:
    """Milliseconds of one picture, uint8 (1, height, width, 3), in each of RUNS turns; the first runs allocate."""
    picture = np.random.default_rng(0).integers(0, 256, (1, height, width, 3), dtype=np.uint8)
    times: list[list[float]] = [[] for _ in runs]
    order, turns = random.Random(0), list(zip(runs, times, strict=True))
    for _ in range(WARM_UP + RUNS):
        for run, mine in order.sample(turns, len(turns)):  # in another order each time: who comes after whom counts too
            start = time.perf_counter()
            run(picture)
            mine.append((time.perf_counter() - start) * 1000)
    return [mine[WARM_UP:] for mine in times]
