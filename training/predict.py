"""Logits of pictures that are already decoded to the served size, by the network as trained."""

import numpy as np
import numpy.typing as npt
import torch
from rich.progress import track

from resnet_server.engines.pytorch import UInt8Network
from training.data import Images

Logits = npt.NDArray[np.float32]


def predict(model: UInt8Network, images: Images, batch: int = 16, title: str = "predicting") -> Logits:
    """float32 logits (N, 2) of uint8 (N, H, W, 3), in float32 arithmetic: what is exported is what is measured."""
    model.eval()
    starts = track(range(0, len(images), batch), description=title, transient=True)
    with torch.inference_mode():
        return np.concatenate([model(torch.from_numpy(np.array(images[i : i + batch]))).numpy() for i in starts])
