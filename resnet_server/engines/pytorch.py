"""PyTorch: the documented engine, for .pth state dictionaries; needs requirements/training.txt."""

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt
import torch
import torchvision
from torch import nn

from resnet_server.manifest import Manifest


class PyTorchEngine:
    """The documented network in eager mode, on the CPU."""

    def __init__(self, network: nn.Module) -> None:
        self._network = network

    @torch.inference_mode()
    def infer(self, batch: npt.NDArray[np.uint8], *, alone: bool = True) -> npt.NDArray[np.float32]:  # noqa: ARG002
        """Run one batch: uint8 (N, H, W, 3) → float32 (N, 2)."""
        logits: npt.NDArray[np.float32] = self._network(torch.from_numpy(batch.copy())).numpy()
        return logits


class UInt8Network(nn.Module):
    """A torchvision classifier that takes uint8 NHWC RGB and normalises inside: what is exported and served."""

    def __init__(self, backbone: nn.Module, mean: tuple[float, ...], std: tuple[float, ...]) -> None:
        super().__init__()
        self.backbone = backbone
        self.mean: torch.Tensor
        self.std: torch.Tensor
        self.register_buffer("mean", torch.tensor(mean).reshape(1, 3, 1, 1) * 255, persistent=False)
        self.register_buffer("std", torch.tensor(std).reshape(1, 3, 1, 1) * 255, persistent=False)

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        """uint8 (N, H, W, 3) → float32 logits (N, 2)."""
        nchw = image.permute(0, 3, 1, 2).float()
        normalised = (nchw - self.mean) / self.std  # float32 (N, 3, H, W)
        logits: torch.Tensor = self.backbone(normalised)
        return logits


def build_backbone(architecture: str, classes: int = 2) -> nn.Module:
    """A torchvision network without weights whose last layer has `classes` outputs.

    Raises: ValueError for an architecture that torchvision does not know.
    """
    backbone: nn.Module = torchvision.models.get_model(architecture, weights=None, num_classes=classes)
    return backbone


def take_widths(backbone: nn.Module, state_dict: Mapping[str, torch.Tensor]) -> None:
    """Give layers as many channels as their weights have: structured pruning leaves fewer than the architecture's.

    Kernel sizes and the last layer's outputs stay the architecture's, so that another network's weights do not fit.
    """
    for name, layer in list(backbone.named_modules()):
        weight, own = state_dict.get(f"{name}.weight"), getattr(layer, "weight", None)
        if weight is None or own is None or weight.shape == own.shape or weight.shape[2:] != own.shape[2:]:
            continue
        owner, _, leaf = name.rpartition(".")
        setattr(backbone.get_submodule(owner), leaf, layer_like(layer, weight))


def layer_like(layer: nn.Module, weight: torch.Tensor) -> nn.Module:
    """A new layer of the same kind with the channels of `weight`; grouped convolutions are depthwise ones."""
    if isinstance(layer, nn.Conv2d):
        groups = len(weight) if layer.groups > 1 else 1
        sizes = (layer.kernel_size, layer.stride, layer.padding, layer.dilation)
        return nn.Conv2d(weight.shape[1] * groups, len(weight), *sizes, groups, bias=layer.bias is not None)  # type: ignore[arg-type]
    if isinstance(layer, nn.BatchNorm2d):
        return nn.BatchNorm2d(len(weight), layer.eps, layer.momentum)
    if isinstance(layer, nn.Linear) and weight.ndim == 2:
        return nn.Linear(weight.shape[1], layer.out_features)
    return layer


def load(manifest: Manifest, _threads: int) -> PyTorchEngine:
    """Build the documented network and load its state dictionary (tensors only, nothing is unpickled into code).

    Raises: RuntimeError, pickle.UnpicklingError where the file is not this network's state dictionary.
    """
    # As many callers are let in as there are cores, and torch would give each of them a team of threads of its own.
    torch.set_num_threads(1)
    backbone = build_backbone(manifest.architecture, len(manifest.labels))
    state_dict = torch.load(manifest.weights, map_location="cpu", weights_only=True)
    take_widths(backbone, state_dict)
    backbone.load_state_dict(state_dict)
    return PyTorchEngine(UInt8Network(backbone, manifest.mean, manifest.std).eval())
