"""Times several networks against each other: one run of each in turn, so that the machine's noise hits all alike."""

import random
import time
from collections.abc import Sequence
from statistics import median

import numpy as np

from training.serving.export import Run

WARM_UP, RUNS = 3, 15


def interleaved_ms(runs: Sequence[Run], height: int, width: int) -> list[float]:
    """Median milliseconds of one picture, uint8 (1, height, width, 3), for each; the first runs allocate."""
    picture = np.random.default_rng(0).integers(0, 256, (1, height, width, 3), dtype=np.uint8)
    times: list[list[float]] = [[] for _ in runs]
    order, turns = random.Random(0), list(zip(runs, times, strict=True))
    for _ in range(WARM_UP + RUNS):
        for run, mine in order.sample(turns, len(turns)):  # in another order each time: who comes after whom counts too
            start = time.perf_counter()
            run(picture)
            mine.append((time.perf_counter() - start) * 1000)
    return [median(mine[WARM_UP:]) for mine in times]
