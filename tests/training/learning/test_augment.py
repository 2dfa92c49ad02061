"""Augmented views: shape, type, repeatability."""

import numpy as np
import pytest

from tests.training.noise import picture
from training.learning.augment import augment, crop_box

CANVAS = np.asarray(picture(0, 0))


@pytest.mark.parametrize("seed", range(12))
def test_augment_keeps_type_and_gives_the_asked_shape(seed: int) -> None:
    view = augment(CANVAS, 70, 50, np.random.default_rng(seed))
    assert view.shape == (70, 50, 3)
    assert view.dtype == np.uint8


def test_augment_repeats_itself_for_the_same_seed_only() -> None:
    first, again, other = (augment(CANVAS, 70, 50, np.random.default_rng(seed)) for seed in (5, 5, 6))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


def test_augment_leaves_the_picture_alone() -> None:
    before = CANVAS.copy()
    augment(CANVAS, 70, 50, np.random.default_rng(0))
    assert np.array_equal(CANVAS, before)


def test_crops_lie_inside_and_some_show_the_whole_frame() -> None:
    rng = np.random.default_rng(0)
    boxes = [crop_box(64, 56, rng) for _ in range(500)]
    assert all(0 <= left < right <= 64 + 1e-9 and 0 <= top < bottom <= 56 + 1e-9 for left, top, right, bottom in boxes)
    assert 100 < boxes.count((0, 0, 64, 56)) < 200
