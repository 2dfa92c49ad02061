"""Temperature and the numbers of the manifest, on answers written by hand."""

import numpy as np
import pytest

from tests.training.shades import answers
from training.judging.answers import Answers
from training.judging.calibrate import TEMPERATURES, fit_temperature, left_out_calibration_error, measure
from training.judging.metrics import probabilities

ANSWERS = answers([0, 1, 1, 1], [-2, 2, -3, 1], ["x", "x", "y", "y"])


def honest(count: int) -> Answers:
    """Answers that are right as often as their scores say, each its own group."""
    rng = np.random.default_rng(0)
    margins = rng.normal(0, 3, count)
    return answers((rng.random(count) < 1 / (1 + np.exp(-margins))).astype(int), margins)


def test_the_temperature_undoes_overconfidence() -> None:
    sample = honest(4000)
    assert fit_temperature(sample.logits * 3, sample.labels) == pytest.approx(3, rel=0.1)


@pytest.mark.parametrize(("margin", "temperature"), [(1.0, 1 / np.log(41)), (10.0, 10 / np.log(41))])
def test_without_a_mistake_the_temperature_says_no_more_than_the_pictures_do(margin: float, temperature: float) -> None:
    flawless = answers([0] * 40 + [1] * 40, [-margin] * 40 + [margin] * 40)
    found = fit_temperature(flawless.logits, flawless.labels)
    assert found == pytest.approx(temperature, rel=0.01)
    assert probabilities(flawless.logits, found).max() == pytest.approx(41 / 42, abs=0.001)


def test_on_many_pictures_the_temperature_is_the_one_of_least_loss() -> None:
    sample = honest(4000)
    towards = (sample.logits[:, 1] - sample.logits[:, 0]) * (2 * sample.labels - 1)
    least = min(TEMPERATURES, key=lambda t: np.logaddexp(0, -towards / t).mean())
    assert fit_temperature(sample.logits, sample.labels) == pytest.approx(least, rel=0.011)  # one step


def test_measure_gives_what_a_manifest_wants() -> None:
    metrics = measure(ANSWERS, ANSWERS)
    assert list(metrics) == [
        "measured_on", "temperature", "accuracy", "mean_accuracy", "pictures", "wrong", "groups", "ece",
        "mean_accuracy_float32", "int8_drop",
    ]  # fmt: skip
    assert metrics["accuracy"] == {"offline": 1.0, "online": 0.6667}
    assert (metrics["mean_accuracy"], metrics["int8_drop"]) == (0.8333, 0.0)


def test_measure_says_what_int8_loses() -> None:
    better = answers([0, 1, 1, 1], [-2, 2, 3, 1], ["x", "x", "y", "y"])
    assert measure(ANSWERS, better)["int8_drop"] == 0.1667
    assert measure(ANSWERS, better)["mean_accuracy_float32"] == 1.0


def test_a_temperature_is_judged_on_groups_that_it_was_not_fitted_on() -> None:
    sample = honest(400)
    blunt = Answers(sample.paths, np.repeat(["x", "y"], 200), sample.labels, sample.logits * 5)
    assert left_out_calibration_error(blunt) < 0.06
    x_is_always_right = answers([1] * 20 + [1, 0] * 10, [1.0] * 40, ["x"] * 20 + ["y"] * 20)
    # x by temperature 10, which y wants: 0.525 instead of 1; y by 1 / ln 21, which x wants: 21/22 instead of 0.5
    assert left_out_calibration_error(x_is_always_right) == pytest.approx((0.475 + 21 / 22 - 0.5) / 2, abs=0.001)


def test_many_groups_are_left_out_several_at_a_time() -> None:
    assert left_out_calibration_error(honest(300)) < 0.08


def test_a_single_group_is_judged_by_its_own_temperature() -> None:
    alone = answers([1] * 9 + [0], [2.0] * 10, ["x"] * 10)
    own = probabilities(alone.logits, fit_temperature(alone.logits, alone.labels))
    assert left_out_calibration_error(alone) == pytest.approx(abs(own[0, 1] - 0.9))
