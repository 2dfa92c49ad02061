"""Networks are timed by turns, in changing order."""

import numpy as np
import pytest

from training.speed.timing import RUNS, WARM_UP, Difference, difference, interleaved_ms


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


def test_the_interval_holds_all_but_the_outermost_differences(monkeypatch: pytest.MonkeyPatch) -> None:
    times = [[10.0] * RUNS, [10.0 + change for change in (15, 2, 13, 4, 11, 6, 9, 8, 7, 10, 5, 12, 3, 14, 1)]]
    monkeypatch.setattr("training.speed.timing.interleaved", lambda *_: times)
    # Three or fewer of 15 fair coins: 1.8 %, on either side.
    assert difference(np.copy, np.copy, 4, 4) == Difference(10, 18, 4, 12)


def test_a_difference_that_may_be_none_is_said_to_be_none() -> None:
    assert Difference(10, 8, -3, -1).words() == "the difference lies between -3.0 and -1.0 ms (95 %)"
    assert Difference(10, 9, -3, 1).words() == "the difference lies between -3.0 and +1.0 ms (95 %), so none is seen"
