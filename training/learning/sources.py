"""Where a learner's inputs come from: views of pictures, or features of a frozen network, computed once."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import torch
from accelerate import Accelerator
from torch import Tensor, nn

from resnet_server.engines.pytorch import UInt8Network
from training.learning.network import head_name
from training.learning.processes import in_shards, shard
from training.learning.recipes import Phase, Recipe
from training.learning.views import Views, epoch_order, loader
from training.photos.data import DataSet

FROZEN_VIEWS = 3  # of each training picture: epoch e sees view e % 3

Batches = tuple[Iterable[tuple[Tensor, Tensor]], int]  # and how many there are


@dataclass(frozen=True)
class Parts:
    """What to learn from, as canvases to crop (recipe.canvas), and what to choose by, at the served size."""

    train: DataSet
    chosen: np.ndarray  # int64: the indices of `train` to learn from
    val: DataSet | None

    @property
    def sha256(self) -> str:
        """Of both data sets."""
        return self.train.sha256 + (self.val.sha256 if self.val else "")


class Source(Protocol):
    """Where a learner's inputs come from: pictures, or features of a frozen network."""

    val_labels: np.ndarray | None

    def batches(self, epoch: int) -> Batches:
        """This process's share of an epoch's batches: inputs and int64 labels (B,)."""
        ...

    def val_inputs(self, indices: list[int]) -> Tensor:
        """Inputs of validation pictures."""
        ...


class Pictures:
    """Random views to learn from, uint8 (B, H, W, 3), and validation pictures as served."""

    def __init__(self, parts: Parts, recipe: Recipe, seed: int, workers: int, accelerator: Accelerator) -> None:
        self.parts, self.recipe, self.seed = parts, recipe, seed
        self.workers, self.accelerator = workers, accelerator
        self.phases = [phase for phase in recipe.phases for _ in range(phase.epochs)]
        self.val_labels = None if parts.val is None else parts.val.labels

    def batches(self, epoch: int) -> Batches:
        """See Source."""
        order = epoch_order(self.parts.chosen, self.recipe.batch, self.seed, epoch)
        batches = shard(order, self.accelerator)
        views = Views(self.parts.train, self.recipe, self.phases[epoch], self.seed, epoch)
        return loader(views, batches, self.workers), len(batches)

    def val_inputs(self, indices: list[int]) -> Tensor:
        """See Source."""
        if self.parts.val is None:
            raise LookupError("there is no validation part")
        return torch.from_numpy(self.parts.val.images[indices])


class Features:
    """What reaches the last layer when nothing before it changes: computed once, not once an epoch.

    The body answers as it will be served: batch norms with their own statistics, no dropout. (The documents' loop
    leaves them in training mode, so that statistics drift with every batch although "all parameters are frozen".)
    """

    def __init__(
        self,
        network: UInt8Network,
        parts: Parts,
        recipe: Recipe,
        seed: int,
        accelerator: Accelerator,
        precision: torch.dtype,
    ) -> None:
        self.parts, self.recipe, self.seed, self.accelerator = parts, recipe, seed, accelerator
        pictures = Pictures(parts, recipe, seed, 0, accelerator)
        self.val_labels = pictures.val_labels
        body = Body(network, precision)
        count = len(parts.chosen)

        def features_of_views(places: list[int]) -> list[list[float]]:
            views = [self.view(place // count, int(parts.chosen[place % count])) for place in places]
            return body(torch.stack(views))

        self.views = min(FROZEN_VIEWS, recipe.epochs)
        rows = in_shards(features_of_views, self.views * count, "features of training views", accelerator)
        self.train = torch.from_numpy(rows).reshape(self.views, count, -1)
        self.places = {int(index): place for place, index in enumerate(parts.chosen)}
        self.val = torch.empty(0)
        if self.val_labels is not None:
            rows = in_shards(
                lambda indices: body(pictures.val_inputs(indices)),
                len(self.val_labels),
                "features of validation pictures",
                accelerator,
            )
            self.val = torch.from_numpy(rows)

    def view(self, number: int, index: int) -> Tensor:
        """View `number` of a training picture, at the size that is served: uint8 (H, W, 3)."""
        phase = Phase(self.recipe.height, self.recipe.width, epochs=1)
        return Views(self.parts.train, self.recipe, phase, self.seed, number)[index][0]

    def batches(self, epoch: int) -> Batches:
        """See Source: float32 (B, features)."""
        order = epoch_order(self.parts.chosen, self.recipe.batch, self.seed, epoch)
        batches = shard(order, self.accelerator)
        features, labels = self.train[epoch % self.views], torch.from_numpy(self.parts.train.labels)
        chosen = ([self.places[index] for index in indices] for indices in batches)
        return ((features[p], labels[b]) for p, b in zip(chosen, batches, strict=True)), len(batches)

    def val_inputs(self, indices: list[int]) -> Tensor:
        """See Source."""
        return self.val[indices]


class Body:
    """A network without its last layer."""

    def __init__(self, network: UInt8Network, precision: torch.dtype) -> None:
        self.network, self.precision = network.eval(), precision
        owner, _, leaf = head_name(network.backbone).rpartition(".")
        self.owner, self.leaf = network.backbone.get_submodule(owner), leaf

    def __call__(self, images: Tensor) -> list[list[float]]:
        """uint8 (N, H, W, 3) → N rows of what reaches the last layer."""
        head = getattr(self.owner, self.leaf)
        setattr(self.owner, self.leaf, nn.Identity())
        try:
            device = self.network.mean.device
            faster = torch.autocast(device.type, self.precision, enabled=self.precision != torch.float32)
            with torch.inference_mode(), faster:
                rows: list[list[float]] = self.network(images.to(device)).float().tolist()
        finally:
            setattr(self.owner, self.leaf, head)
        return rows
