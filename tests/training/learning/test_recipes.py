"""Recipes: other sizes and lengths keep their proportions."""

import pytest

from training.errors import TrainingError
from training.learning.recipes import DOCUMENTED, FROM_SCRATCH, Phase, named, with_epochs, with_size


def test_another_size_scales_every_phase() -> None:
    half = with_size(FROM_SCRATCH, 175, 125)
    assert half.phases == (Phase(98, 70, 16), Phase(140, 100, 28), Phase(175, 125, 2))
    assert half.canvas == (525, 375)
    assert with_size(DOCUMENTED, 700, 500) == DOCUMENTED


@pytest.mark.parametrize(("epochs", "each"), [(46, [16, 28, 2]), (23, [8, 14, 1]), (4, [1, 3]), (1, [1])])
def test_fewer_epochs_are_divided_over_the_phases_as_before(epochs: int, each: list[int]) -> None:
    recipe = with_epochs(FROM_SCRATCH, epochs)
    assert [phase.epochs for phase in recipe.phases] == each
    assert recipe.epochs == epochs


def test_an_unknown_recipe_is_refused() -> None:
    with pytest.raises(TrainingError, match=r"^There is no recipe best; choose documented or from-scratch\.$"):
        named("best")
