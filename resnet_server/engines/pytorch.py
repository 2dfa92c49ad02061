"""PyTorch: the documented engine, for .pth state dictionaries; needs requirements/training.txt."""

import numpy as np
import numpy.typing as npt
import torch
import torchvision
from torch import nn
from torch.nn.functional import avg_pool2d

from resnet_server.manifest import Manifest


class PyTorchEngine:
    """The documented network in eager mode, on the CPU."""

    def __init__(self, network: nn.Module) -> None:
        self._network = network

    @torch.inference_mode()
    def infer(self, batch: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
        """Run one batch: uint8 (N, H, W, 3) → float32 (N, 2)."""
        logits: npt.NDArray[np.float32] = self._network(torch.from_numpy(batch.copy())).numpy()
        return logits


class UInt8Network(nn.Module):
    """A torchvision classifier that takes uint8 NHWC RGB and normalises inside: what is exported and served.

    Blocks of `downscale` x `downscale` pixels are averaged first: 700 x 500 may reach the network as 350 x 250;
    not while it is trained, where pictures come at the size that reaches the classifier.
    """

    def __init__(
        self, backbone: nn.Module, mean: tuple[float, ...], std: tuple[float, ...], downscale: int = 1
    ) -> None:
        super().__init__()
        self.backbone = backbone
        self.downscale = downscale
        self.mean: torch.Tensor
        self.std: torch.Tensor
        self.register_buffer("mean", torch.tensor(mean).reshape(1, 3, 1, 1) * 255, persistent=False)
        self.register_buffer("std", torch.tensor(std).reshape(1, 3, 1, 1) * 255, persistent=False)

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        """uint8 (N, H, W, 3) → float32 logits (N, 2)."""
        nchw = image.permute(0, 3, 1, 2).float()
        normalised = (nchw - self.mean) / self.std  # float32 (N, 3, H, W)
        if self.downscale > 1 and not self.training:
            normalised = avg_pool2d(normalised, self.downscale)
        logits: torch.Tensor = self.backbone(normalised)
        return logits


def build_backbone(architecture: str, classes: int = 2) -> nn.Module:
    """A torchvision network without weights whose last layer has `classes` outputs.

    Raises: ValueError for an architecture that torchvision does not know.
    """
    backbone: nn.Module = torchvision.models.get_model(architecture, weights=None, num_classes=classes)
    return backbone


def load(manifest: Manifest, _threads: int) -> PyTorchEngine:
    """Build the documented network and load its state dictionary (tensors only, nothing is unpickled into code).

    Raises: RuntimeError, pickle.UnpicklingError where the file is not this network's state dictionary.
    """
    # As many callers are let in as there are cores, and torch would give each of them a team of threads of its own.
    torch.set_num_threads(1)
    backbone = build_backbone(manifest.architecture, len(manifest.labels))
    backbone.load_state_dict(torch.load(manifest.weights, map_location="cpu", weights_only=True))
    return PyTorchEngine(UInt8Network(backbone, manifest.mean, manifest.std, manifest.downscale).eval())
