"""What training sees of a picture: random views, the same for the same seed, epoch and picture on every machine."""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset
from torchvision.transforms import v2

from training.learning.augment import augment
from training.learning.recipes import Phase, Recipe
from training.photos.data import DataSet, Images

# Brightness as in the documents' tf.image.random_brightness(0.2); their saturation (5 to 10) is for copies on disk that
# balance the classes, here half to one and a half keeps colours that a camera can give.
BRIGHTNESS, SATURATION = 0.2, 0.5


class Views(Dataset[tuple[Tensor, int]]):
    """One epoch's views of the training pictures; item i is uint8 (H, W, 3) and its label."""

    def __init__(self, data: DataSet, recipe: Recipe, phase: Phase, seed: int, epoch: int) -> None:
        self.data, self.recipe, self.phase = data, recipe, phase
        self.seed, self.epoch = seed, epoch
        self.labels = data.labels

    def __getitem__(self, index: int) -> tuple[Tensor, int]:
        return torch.from_numpy(self.view(index).copy()), int(self.labels[index])

    def view(self, index: int) -> Images:
        """uint8 (phase.height, phase.width, 3)."""
        if self.recipe.views == "documented":
            return documented_view(self.data.images[index], self.phase, (self.seed, self.epoch, index))
        rng = np.random.default_rng((self.seed, self.epoch, index))
        return augment(self.data.images[index], self.phase.height, self.phase.width, rng)


def documented_view(picture: Images, phase: Phase, key: tuple[int, int, int]) -> Images:
    """torchvision's RandomResizedCrop, then random brightness and saturation; seeded by (seed, epoch, index)."""
    transform = v2.Compose(
        [
            v2.RandomResizedCrop((phase.height, phase.width), antialias=True),
            v2.ColorJitter(brightness=BRIGHTNESS, saturation=SATURATION),
        ]
    )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(int(np.random.default_rng(key).integers(2**62)))
        view: Tensor = transform(torch.from_numpy(np.array(picture)).permute(2, 0, 1))  # uint8 (3, H, W)
    return view.permute(1, 2, 0).numpy()


def epoch_order(chosen: np.ndarray, batch: int, seed: int, epoch: int) -> list[list[int]]:
    """The epoch's batches of indices, shuffled by (seed, epoch); pictures that fill no batch sit this epoch out."""
    order = np.random.default_rng((seed, epoch)).permutation(chosen)
    return [order[start : start + batch].tolist() for start in range(0, len(order) - batch + 1, batch)]


def loader(views: Views, batches: Sequence[list[int]], workers: int) -> DataLoader[tuple[Tensor, int]]:
    """Batches of uint8 (B, H, W, 3) and labels (B,); `workers` processes prepare them (0: this one)."""
    return DataLoader(views, batch_sampler=batches, num_workers=workers)
