"""Views of training pictures: random, and the same again for the same seed, epoch and picture."""

from pathlib import Path

import numpy as np
import pytest
import torch

from training.learning.recipes import DOCUMENTED, FROM_SCRATCH, Phase
from training.learning.views import Views, epoch_order
from training.photos.data import DataSet, load

CHOSEN = np.arange(0, 32, 2)
PHASE = Phase(40, 32, 1)


@pytest.fixture(scope="module")
def data(folder: Path) -> DataSet:
    return load(folder, 72, 60)


@pytest.mark.parametrize("recipe", [DOCUMENTED, FROM_SCRATCH])
def test_a_view_has_the_phases_size_and_the_pictures_label(recipe: object, data: DataSet) -> None:
    views = Views(data, recipe, PHASE, seed=0, epoch=0)  # type: ignore[arg-type]
    for index in (0, 20):
        view, label = views[index]
        assert (view.shape, view.dtype, label) == ((40, 32, 3), torch.uint8, data.labels[index])


@pytest.mark.parametrize("recipe", [DOCUMENTED, FROM_SCRATCH])
def test_a_view_depends_on_seed_epoch_and_picture_alone(recipe: object, data: DataSet) -> None:
    def view(seed: int, epoch: int, index: int) -> torch.Tensor:
        torch.rand(1)  # what was drawn before does not matter
        return Views(data, recipe, PHASE, seed, epoch)[index][0]  # type: ignore[arg-type]

    assert torch.equal(view(1, 2, 4), view(1, 2, 4))
    for other in ((2, 2, 4), (1, 3, 4), (1, 2, 6)):
        assert not torch.equal(view(1, 2, 4), view(*other))


def test_every_epoch_has_its_own_order_and_each_picture_once() -> None:
    first, second = (epoch_order(CHOSEN, 4, seed=0, epoch=epoch) for epoch in (0, 1))
    assert sorted(np.ravel(first)) == sorted(np.ravel(second)) == CHOSEN.tolist()
    assert first != second
