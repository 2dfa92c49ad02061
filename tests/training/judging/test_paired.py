"""Two models on the same pictures."""

from dataclasses import replace

import numpy as np
import pytest

from tests.training.shades import answers
from training.errors import TrainingError
from training.judging.paired import Change, aligned, pair, verdict

LABELS = [1] * 12 + [0] * 4
ALL_RIGHT = answers(LABELS, [1] * 12 + [-1] * 4)
SIX_WRONG = answers(LABELS, [-1] * 6 + [1] * 6 + [-1] * 4)


def test_mcnemar_is_the_exact_binomial_test_of_the_differing_answers() -> None:
    found = pair(ALL_RIGHT, SIX_WRONG)
    counts = (found.both_right, found.only_first_right, found.only_second_right, found.both_wrong)
    assert counts == (10, 6, 0, 0)
    assert found.p_value == pytest.approx(2 / 2**6)
    assert found.difference == pytest.approx(0.25)
    assert 0 < found.interval[0] < 0.25 < found.interval[1]
    assert verdict(found, "new", "old") == (
        "new is better than old: of the 6 pictures that only one of them gets right, 6 are new's (p = 0.031)."
    )
    assert verdict(pair(SIX_WRONG, ALL_RIGHT), "new", "old").startswith("old is better than new: ")


def test_few_differences_tell_nothing() -> None:
    found = pair(ALL_RIGHT, answers(LABELS, [-1] * 3 + [1] * 9 + [-1] * 4))
    assert found.p_value == pytest.approx(0.25)
    assert verdict(found, "new", "old") == (
        "These pictures do not tell new and old apart: each difference between them may be chance (p = 0.25)."
    )


def test_more_right_pictures_of_the_larger_class_do_not_make_a_model_better() -> None:
    labels = [0] * 400 + [1] * 40
    old = answers(labels, [1] * 40 + [-1] * 360 + [1] * 40)  # 40 offline pictures are wrong: 10 points of a class
    new = answers(labels, [-1] * 400 + [-1] * 20 + [1] * 20)  # 20 online ones: 50 points
    found = pair(new, old)
    assert found.p_value < 0.05
    assert found.interval[1] < 0
    assert verdict(found, "new", "old").startswith(
        "These pictures do not tell new and old apart: of the 60 pictures that only one of them gets right, 40 are "
        "new's (p = 0.013), but mean accuracy does not say so (-"
    )


def test_differences_within_one_group_do_not_make_a_model_better() -> None:
    groups = ["one"] * 8 + ["two", "three", "four", "five"] * 4
    labels = [1] * 16 + [0] * 8
    new, old = (answers(labels, [*first, *[1.0] * 8, *[-1.0] * 8], groups) for first in ([1.0] * 8, [-1.0] * 8))
    found = pair(new, old)
    assert (found.unit, found.interval[0]) == ("groups", 0.0)
    assert found.p_value < 0.01
    assert "tell new and old apart" in verdict(found, "new", "old")


def test_models_without_a_difference_are_told_so() -> None:
    found = pair(SIX_WRONG, SIX_WRONG)
    assert (found.p_value, found.difference, found.interval) == (1.0, 0.0, (0.0, 0.0))
    assert verdict(found, "new", "old") == "new and old are right and wrong on the same pictures."


def test_the_second_models_answers_are_put_in_the_firsts_order() -> None:
    turned = replace(SIX_WRONG, paths=SIX_WRONG.paths[::-1], labels=SIX_WRONG.labels[::-1], logits=-SIX_WRONG.logits)
    found = aligned(ALL_RIGHT, turned)
    assert found.paths == ALL_RIGHT.paths
    assert np.array_equal(found.logits, turned.logits[::-1])


def test_models_that_answered_different_pictures_cannot_be_paired() -> None:
    other = replace(SIX_WRONG, paths=("new", *SIX_WRONG.paths[1:]))
    with pytest.raises(TrainingError, match=r"answered different pictures \(2 only by one, e\.g\. new\)"):
        aligned(ALL_RIGHT, other)


def test_tables_that_disagree_on_the_truth_cannot_be_paired() -> None:
    with pytest.raises(TrainingError, match="disagree on the pictures' true labels"):
        aligned(ALL_RIGHT, replace(SIX_WRONG, labels=1 - SIX_WRONG.labels))


def test_a_change_is_in_points_with_the_interval_of_the_gain() -> None:
    labels = [0, 0, 1, 1] * 10
    before = answers(labels, [-1, -1, 1, 1] * 10)
    after = answers(labels, [-1, 1, 1, 1] * 10)
    change = Change.between(before, after)
    assert (change.before, change.after, change.drop) == (1.0, 0.75, 0.25)
    low, high = change.pairing.interval
    assert -0.5 < low < -0.25 < high < 0
    assert change.words() == (
        f"mean accuracy 1.0000 before, 0.7500 after: -25.00 points (95 %: {100 * low:+.2f} to {100 * high:+.2f}, "
        "pictures drawn)"
    )
    same = Change.between(before, before).words()
    assert same.endswith(": +0.00 points (95 %: none of 40 pictures differs; of others up to 7.5 % may)")
