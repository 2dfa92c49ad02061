"""The contact sheet of random views."""

from pathlib import Path

from tests.training.scenes import scenes
from training.learning.views_sheet import VIEWS, views_sheet
from training.photos.data import scan


def test_every_row_is_a_picture_and_its_views_the_same_for_the_same_seed(tmp_path: Path) -> None:
    folder = scenes(tmp_path, 2, 1)
    first, again, other = (views_sheet(folder, scan(folder), seed) for seed in (1, 1, 2))
    assert first.size == ((1 + 2 * VIEWS) * 230 + 10, 3 * 195 + 10)
    assert first == again != other
