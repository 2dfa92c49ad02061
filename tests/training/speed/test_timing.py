"""Networks are timed by turns, in changing order."""

from collections.abc import Iterator

import numpy as np
import pytest

from training.speed.timing import MOST_RUNS, RUNS, WARM_UP, Difference, compared, difference, interleaved_ms


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


def test_the_interval_holds_all_but_the_outermost_differences() -> None:
    changes = (15, 2, 13, 4, 11, 6, 9, 8, 7, 10, 5, 12, 3, 14, 1)
    # Three or fewer of 15 fair coins: 1.8 %, on either side.
    assert compared([[10.0, 10.0 + change] for change in changes]) == Difference(10, 18, 4, 12)


def test_noise_is_measured_until_it_tells_or_for_so_many_turns(monkeypatch: pytest.MonkeyPatch) -> None:
    taken: list[float] = []

    def noisy(turns: int) -> Iterator[list[float]]:
        taken.clear()
        while True:
            taken.append(100.0 + (-1) ** len(taken) * (20 if len(taken) < turns else 1))
            yield [100.0, taken[-1]]

    for noise, needed in {0: RUNS, RUNS: 2 * RUNS, MOST_RUNS: MOST_RUNS}.items():
        monkeypatch.setattr("training.speed.timing.turns", lambda *_, noise=noise: noisy(noise))
        assert difference(np.copy, np.copy, 4, 4).is_sure is (needed < MOST_RUNS)
        assert len(taken) == needed


def test_a_difference_that_may_be_none_is_said_to_be_none_where_that_can_be_told() -> None:
    lies = "the difference lies between"
    assert Difference(10, 8, -3, -1).words() == f"{lies} -3.0 and -1.0 ms (95 %)"
    assert Difference(40, 39, -3, 1).words() == f"{lies} -3.0 and +1.0 ms (95 %), so none is seen"
    noisy = ", too noisy here to tell: run it again when the machine is idle"
    assert Difference(39, 38, -3, 1).words() == f"{lies} -3.0 and +1.0 ms (95 %){noisy}"
