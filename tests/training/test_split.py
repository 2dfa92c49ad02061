"""Folds: no group crosses parts."""

import numpy as np
import pytest

from training.data import Sample
from training.errors import TrainingError
from training.split import family, grouped_folds


def samples(count: int = 300, groups: int = 11) -> list[Sample]:
    rng = np.random.default_rng(3)
    drawn = zip(rng.integers(0, 2, count), rng.integers(0, groups, count), strict=True)
    return [Sample(f"{n}.png", int(label), f"site {group}", str(n)) for n, (label, group) in enumerate(drawn)]


@pytest.mark.parametrize("count", [2, 4, 11])
def test_every_sample_is_in_one_fold_and_no_group_in_two(count: int) -> None:
    data = samples()
    folds = grouped_folds(data, count)
    assert sorted(index for fold in folds for index in fold) == list(range(len(data)))
    groups = [{data[index].group for index in fold} for fold in folds]
    assert sum(len(names) for names in groups) == len(set.union(*groups))


def test_folds_do_not_depend_on_the_order_of_the_samples() -> None:
    data = samples()
    backwards = data[::-1]
    forth = [{data[index].path for index in fold} for fold in grouped_folds(data, 4)]
    back = [{backwards[index].path for index in fold} for fold in grouped_folds(backwards, 4)]
    assert forth == back


def test_repositories_of_the_same_people_are_held_out_together() -> None:
    data = [
        Sample("a", 0, "ropensci/roweb3", "a"),
        Sample("b", 1, "ropensci-archive/roweb2", "b"),
        Sample("c", 0, "x", "c"),
    ]
    assert sorted(grouped_folds(data, 2)) == [[0, 1], [2]]
    assert family("fossasia/fossasia.org") == "fossasia/fossasia.org"


def test_more_folds_than_groups_are_refused() -> None:
    with pytest.raises(TrainingError, match=r"^4 folds cannot be cut from 3 group\(s\); use 2 to 3\.$"):
        grouped_folds(samples(groups=3), 4)
