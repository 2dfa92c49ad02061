"""Logits of pictures that are already decoded to the served size, by a network in training or a whole artifact."""

from pathlib import Path

import numpy as np
import torch
from rich.progress import track

from resnet_server.engines.pytorch import UInt8Network
from training.judging.answers import Logits
from training.photos.data import Images
from training.serving.artifact import read_artifact
from training.serving.engines import Model, load
from training.threads import use_threads


def predict(model: UInt8Network, images: Images, batch: int = 16, title: str = "predicting") -> Logits:
    """float32 logits (N, 2) of uint8 (N, H, W, 3), in float32 arithmetic: what is exported is what is measured."""
    model.eval()
    starts = track(range(0, len(images), batch), description=title, transient=True)
    with torch.inference_mode():
        return np.concatenate([model(torch.from_numpy(np.array(images[i : i + batch]))).numpy() for i in starts])


def load_model(artifact: Path, engine: str = "auto", threads: int = 0) -> Model:
    """Load an artifact folder; `threads` 0 takes what the CPU quota and the affinity give.

    Raises: TrainingError when the folder is no valid artifact or the engine cannot load it.
    """
    model = load(read_artifact(artifact), engine, threads)
    if model.manifest.weights.suffix == ".pth":
        # A server answers several requests at once and leaves torch one thread each; here one caller has them all.
        use_threads(threads)
    return model
