"""Temperature and the numbers of the manifest, on answers written by hand."""

import numpy as np
import pytest

from training.calibrate import calibration_error, fit_temperature, measure, probabilities, worst
from training.crossval import HeldOut

LOGITS = np.array([[2, 0], [0, 2], [3, 0], [0, 1]], dtype=np.float32)
ANSWERS = HeldOut(["a", "b", "c", "d"], np.array(["x", "x", "y", "y"]), np.array([0, 1, 1, 1]), LOGITS, LOGITS)


def test_probabilities_are_the_softmax_at_a_temperature() -> None:
    assert probabilities(np.array([[0.0, np.log(9) * 2]]), 2.0)[0] == pytest.approx([0.1, 0.9])


def test_the_temperature_undoes_overconfidence() -> None:
    rng = np.random.default_rng(0)
    honest = rng.normal(0, 2, (4000, 2)).astype(np.float32)
    labels = (rng.random(4000) < probabilities(honest, 1.0)[:, 1]).astype(np.int64)
    assert fit_temperature(honest * 3, labels) == pytest.approx(3, rel=0.1)


def test_calibration_error_is_the_gap_between_score_and_accuracy() -> None:
    sure = np.tile([0.1, 0.9], (10, 1))
    assert calibration_error(sure, np.array([1] * 9 + [0])) == pytest.approx(0)
    assert calibration_error(sure, np.array([1] * 5 + [0] * 5)) == pytest.approx(0.4)


def test_measure_counts_per_class_and_per_group() -> None:
    metrics = measure(ANSWERS)
    assert metrics["accuracy"] == {"offline": 1.0, "online": 0.6667}
    assert metrics["mean_accuracy"] == 0.8333
    assert metrics["int8_drop"] == 0.0
    assert metrics["groups"] == {"x": {"pictures": 2, "wrong": 0}, "y": {"pictures": 2, "wrong": 1}}


def test_worst_lists_wrong_answers_only() -> None:
    ((path, truth),) = worst(ANSWERS, 1.0, 3)
    assert (path, round(truth, 4)) == ("c", 0.0474)
