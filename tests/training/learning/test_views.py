"""Views of training pictures: what is made up has its picture's label, and nothing held out is seen in it."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from tests.training.noise import picture
from training.learning.augment import augment
from training.learning.composites import CALLS, PROJECTIONS, SIZE, compose, projection, video_call
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
    views = Views(data, CHOSEN, recipe, PHASE, seed=0, epoch=0)  # type: ignore[arg-type]
    for index in (0, 20):
        view, label = views[index]
        assert (view.shape, view.dtype, label) == ((40, 32, 3), torch.uint8, data.labels[index])


@pytest.mark.parametrize("recipe", [DOCUMENTED, FROM_SCRATCH])
def test_a_view_depends_on_seed_epoch_and_picture_alone(recipe: object, data: DataSet) -> None:
    def view(seed: int, epoch: int, index: int) -> torch.Tensor:
        torch.rand(1)  # what was drawn before does not matter
        return Views(data, CHOSEN, recipe, PHASE, seed, epoch)[index][0]  # type: ignore[arg-type]

    assert torch.equal(view(1, 2, 4), view(1, 2, 4))
    for other in ((2, 2, 4), (1, 3, 4), (1, 2, 6)):
        assert not torch.equal(view(1, 2, 4), view(*other))


def test_every_epoch_has_its_own_order_and_each_picture_once() -> None:
    first, second = (epoch_order(CHOSEN, 4, seed=0, epoch=epoch) for epoch in (0, 1))
    assert sorted(np.ravel(first)) == sorted(np.ravel(second)) == CHOSEN.tolist()
    assert first != second


def test_composites_are_cut_from_training_pictures_only() -> None:
    images = np.zeros((4, 60, 50, 3), dtype=np.uint8)
    images[3] = 255  # held out: white
    offline, online = np.array([0]), np.array([1])
    rng = np.random.default_rng(0)
    brightest = max(int(compose(images, 0, 0, offline, online, rng)[0].max()) for _ in range(60))
    assert brightest < 120  # a projection's washed-out wall is the brightest that black pictures give


@pytest.mark.parametrize(("label", "share"), [(0, PROJECTIONS), (1, CALLS)])
def test_as_many_pictures_are_made_up_as_said_and_the_others_left_alone(label: int, share: float) -> None:
    images = np.stack([np.asarray(picture(label, 0)) for label in (0, 1)])
    rng = np.random.default_rng(0)
    views = [compose(images, label, label, np.array([0]), np.array([1]), rng) for _ in range(800)]
    made_up = [not np.array_equal(view, images[label]) for view, _ in views]
    assert np.mean(made_up) == pytest.approx(share, abs=0.04)
    assert [whole for _, whole in views] == [
        label == 1 and made for made in made_up
    ]  # calls whole, projections cropped


def test_a_call_is_shown_whole() -> None:
    frame = np.zeros((60, 50, 3), dtype=np.uint8)
    frame[[0, -1]] = 255
    views = [augment(frame, 60, 50, np.random.default_rng(seed), whole=True) for seed in range(20)]
    assert all(view[0].mean() > 60 and view[-1].mean() > 60 for view in views)


def test_a_class_without_pictures_gives_no_composites() -> None:
    images = np.stack([np.asarray(picture(0, 0))])
    rng, nothing = np.random.default_rng(0), np.array([], dtype=np.int64)
    views = [compose(images, 0, 0, np.array([0]), nothing, rng)[0] for _ in range(50)]
    assert all(np.array_equal(view, images[0]) for view in views)


def test_a_video_call_and_a_projection_have_the_canvas_proportions() -> None:
    rng = np.random.default_rng(0)
    room, screen = np.asarray(picture(0, 0)), np.asarray(picture(1, 0))
    for _ in range(30):
        assert video_call(lambda: room, rng).size == SIZE
        assert projection(room, screen, rng).size == SIZE
    assert replace(FROM_SCRATCH).canvas == (1050, 750)
