"""Accuracy, calibration and counts, on answers written by hand."""

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from tests.training.shades import answers
from training.judging.metrics import (
    Bin,
    area_under_curve,
    calibration_error,
    confusion,
    is_grouped,
    margins,
    mean_accuracy,
    probabilities,
    reliability,
    tally,
    worst,
)

# right, right, wrong (an online picture called offline), right
ANSWERS = answers([0, 1, 1, 1], [-2, 2, -3, 1], ["x", "x", "y", "y"])


def test_probabilities_are_the_softmax_at_a_temperature() -> None:
    logits = np.array([[0.0, np.log(9) * 2]], dtype=np.float32)
    assert probabilities(logits, 2.0)[0] == pytest.approx([0.1, 0.9])


def test_probabilities_of_huge_logits_are_finite() -> None:
    assert probabilities(np.array([[1e6, -1e6]], dtype=np.float32), 0.1).tolist() == [[1.0, 0.0]]


def test_margins_keep_the_order_that_probabilities_of_one_lose() -> None:
    assert margins(answers([0, 1], [40, 45]).logits).tolist() == [40.0, 45.0]


def test_mean_accuracy_weighs_both_classes_alike() -> None:
    assert mean_accuracy(ANSWERS.logits, ANSWERS.labels) == pytest.approx((1 + 2 / 3) / 2)


def test_calibration_error_is_the_gap_between_score_and_accuracy() -> None:
    sure = np.tile([0.1, 0.9], (10, 1))
    assert calibration_error(sure, np.array([1] * 9 + [0])) == pytest.approx(0)
    assert calibration_error(sure, np.array([1] * 5 + [0] * 5)) == pytest.approx(0.4)


def test_reliability_leaves_empty_bins_out_and_counts_a_score_of_one() -> None:
    probability = np.array([[0.0, 1.0], [0.48, 0.52], [0.46, 0.54]])
    found = reliability(probability, np.array([1, 1, 0]))
    assert found == [Bin(0.53, 0.5, 2), Bin(1.0, 1.0, 1)]


def test_the_area_under_the_curve_is_scikit_learns_with_ties_and_weights() -> None:
    rng = np.random.default_rng(0)
    scores, labels, weights = rng.integers(0, 9, 60) / 8, rng.integers(0, 2, 60), rng.integers(0, 4, 60)
    expected = roc_auc_score(labels, scores, sample_weight=weights)
    assert area_under_curve(scores, labels, weights) == pytest.approx(expected)


def test_the_area_under_the_curve_needs_both_classes() -> None:
    assert np.isnan(area_under_curve(np.array([0.1, 0.9]), np.array([1, 1]), np.array([1, 1])))


def test_confusion_has_the_truth_in_rows() -> None:
    assert confusion(ANSWERS).tolist() == [[1, 0], [1, 2]]


def test_tally_counts_per_class_and_per_group() -> None:
    assert tally(ANSWERS) == {
        "accuracy": {"offline": 1.0, "online": 0.6667},
        "mean_accuracy": 0.8333,
        "pictures": 4,
        "wrong": 1,
        "groups": {"x": {"pictures": 2, "wrong": 0}, "y": {"pictures": 2, "wrong": 1}},
    }


def test_pictures_that_are_each_their_own_group_are_not_listed_as_groups() -> None:
    alone = answers([0, 1], [-1, 1])
    assert not is_grouped(alone)
    assert "groups" not in tally(alone)


def test_worst_lists_wrong_answers_only_and_the_surest_first() -> None:
    assert [path for path, _ in worst(answers([1, 0, 1, 1], [-1, -9, -3, 5]), 1.0, 9)] == ["p02", "p00"]
    ((path, truth),) = worst(ANSWERS, 1.0, 3)
    assert (path, round(truth, 4)) == ("p02", 0.0474)
