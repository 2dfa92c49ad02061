"""Logits of pictures that are already decoded to the served size, by a network in training or a whole artifact."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from loky import cpu_count
from rich.progress import track

from resnet_server.engines import Engine, load_engine
from resnet_server.engines.pytorch import UInt8Network
from resnet_server.errors import ArtifactError
from resnet_server.manifest import Manifest
from training.errors import TrainingError
from training.judging.answers import Logits
from training.photos.data import Images
from training.serving.artifact import read_artifact


def predict(model: UInt8Network, images: Images, batch: int = 16, title: str = "predicting") -> Logits:
    """float32 logits (N, 2) of uint8 (N, H, W, 3), in float32 arithmetic: what is exported is what is measured."""
    model.eval()
    starts = track(range(0, len(images), batch), description=title, transient=True)
    with torch.inference_mode():
        return np.concatenate([model(torch.from_numpy(np.array(images[i : i + batch]))).numpy() for i in starts])


@dataclass(frozen=True)
class Model:
    """An artifact, loaded into an engine as a server loads it."""

    manifest: Manifest
    engine: Engine

    def logits(self, images: Images) -> Logits:
        """Run one batch: uint8 (N, H, W, 3) → float32 (N, 2).

        Raises: TrainingError when the engine fails or answers anything but N pairs of finite numbers.
        """
        try:
            logits = self.engine.infer(np.array(images))
        except Exception as exc:  # each engine has its own exceptions
            reason = (str(exc).strip().splitlines() or [type(exc).__name__])[0]
            raise TrainingError(f"{self.manifest.weights} cannot be run: {reason}") from exc
        if logits.shape != (len(images), 2) or not np.isfinite(logits).all():
            raise TrainingError(f"{self.manifest.weights} does not answer with two finite logits; package it again.")
        return logits

    def predict(self, images: Images, batch: int = 8, title: str = "predicting") -> Logits:
        """Logits (N, 2) of any number of pictures, under a progress bar."""
        starts = track(range(0, len(images), batch), description=title, transient=True)
        return np.concatenate([self.logits(images[i : i + batch]) for i in starts])


def load_model(artifact: Path, engine: str = "auto", threads: int = 0) -> Model:
    """Load an artifact folder; `threads` 0 takes what the CPU quota and the affinity give.

    Raises: TrainingError when the folder is no valid artifact or the engine cannot load it.
    """
    manifest = read_artifact(artifact)
    try:
        return Model(manifest, load_engine(engine, manifest, threads or cpu_count()))
    except ArtifactError as exc:
        raise TrainingError(" ".join(str(exc).split())) from exc
