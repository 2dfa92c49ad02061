"""Networks are timed by turns, in changing order."""

import numpy as np

from training.speed.timing import RUNS, WARM_UP, interleaved_ms


def test_every_network_runs_equally_often_and_not_always_after_the_same_one() -> None:
    order: list[int] = []

    def noting(number: int) -> np.ndarray:
        order.append(number)
        return np.zeros((1, 2), np.float32)

    times = interleaved_ms([lambda _, n=n: noting(n) for n in range(3)], 4, 4)  # type: ignore[misc]
    rounds = [tuple(order[start : start + 3]) for start in range(0, len(order), 3)]
    assert len(rounds) == WARM_UP + RUNS
    assert all(sorted(each) == [0, 1, 2] for each in rounds)
    assert len(set(rounds)) > 2
    assert all(0 <= each < 1000 for each in times)
