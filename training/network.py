"""The network: ResNet-18 with random weights, as it is trained and as it is served."""

from collections import OrderedDict

import torch
from torch import nn

from resnet_server.engines.pytorch import UInt8Network, build_backbone

ARCHITECTURE = "resnet18"
# torchvision's ImageNet statistics, for values scaled to 0..1; the manifest carries them.
MEAN = (0.485, 0.456, 0.406)
STD = (0.229, 0.224, 0.225)


def build_network() -> UInt8Network:
    """What is trained: two outputs; NHWC in memory (channels_last) is what bf16 convolutions on a CPU want."""
    return UInt8Network(build_backbone(ARCHITECTURE).to(memory_format=torch.channels_last), MEAN, STD)


def served_network(trained: UInt8Network) -> UInt8Network:
    """What is exported: the trained network behind a 2 x 2 average, so that 700 x 500 reaches it as 350 x 250.

    Random crops show things larger than the whole frame does, so the best input at test time is about 1.3 times the
    size trained at (Touvron et al. 2019, "Fixing the train-test resolution discrepancy"): 280 x 200 here. It also
    spares three quarters of the multiplications that 700 x 500 would cost in training and in serving.
    """
    layers = OrderedDict(halve=nn.AvgPool2d(2), resnet=trained.backbone)
    return UInt8Network(nn.Sequential(layers), MEAN, STD).eval()
