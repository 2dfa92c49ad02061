"""The networks that can be trained: torchvision's, with two outputs, from given weights or none, narrower or not."""

import copy
from pathlib import Path
from urllib.error import URLError

import torch
import torch_pruning
import torchvision
from torch import Tensor, nn

from resnet_server.engines.pytorch import UInt8Network, build_backbone, take_widths
from training.errors import TrainingError
from training.learning.restore import weights_of_onnx

ARCHITECTURES = ("resnet18", "resnet34", "resnet50", "resnet101", "resnet152", "mobilenet_v2")
# torchvision's ImageNet statistics, for values scaled to 0..1; the manifest carries them.
MEAN = (0.485, 0.456, 0.406)
STD = (0.229, 0.224, 0.225)
ROUND_TO = 8  # channels come in multiples of what vector registers hold; more go than asked, but never all of a layer
TRACED = (1, 3, 64, 64)  # the input that dependencies between layers are traced with; its size does not matter

StateDict = dict[str, Tensor]


def build_network(architecture: str, weights: str, channels: float = 1.0) -> UInt8Network:
    """A two-class network. `weights`: "imagenet" (torchvision's own file, downloaded once), "none", or a path.

    `channels`: the share of each layer's that is kept, above 0 to 1: of the weights, random ones too, the largest.
    NHWC in memory (channels_last), which is what bf16 convolutions on a CPU want.
    Raises: TrainingError when the weights cannot be had or are of another architecture, or channels is no share.
    """
    if not 0 < channels <= 1:
        raise TrainingError(f"--channels {channels:g} is no share of the channels; give a number above 0, up to 1.")
    if architecture not in ARCHITECTURES:
        raise TrainingError(f"{architecture} is not known; choose one of {', '.join(ARCHITECTURES)}.")
    backbone = build_backbone(architecture)
    if weights == "imagenet":
        load_body(backbone, imagenet_weights(architecture), architecture, "torchvision's ImageNet weights")
    elif weights != "none":
        load_body(backbone, read_state_dict(Path(weights), architecture), architecture, weights)
    network = UInt8Network(backbone.to(memory_format=torch.channels_last), MEAN, STD)
    return network if channels == 1 else slimmed(network, 1 - channels)


def imagenet_weights(architecture: str) -> StateDict:
    """What `pretrained=True` loads in the documents: torchvision's IMAGENET1K_V1, from its cache or the internet.

    Raises: TrainingError without either.
    """
    known = torchvision.models.get_model_weights(architecture)["IMAGENET1K_V1"]
    try:
        state_dict: StateDict = known.get_state_dict(progress=True, check_hash=True)
    except (URLError, OSError, RuntimeError) as exc:
        raise TrainingError(
            f"{known.url} cannot be downloaded ({exc}). Fetch it on a machine with internet and pass --weights FILE, "
            "or start from random weights with --weights none."
        ) from exc
    return state_dict


def read_state_dict(path: Path, architecture: str) -> StateDict:
    """The tensors of a .pth file, of an .onnx file that export or quantize wrote, or of an artifact that holds one.

    Raises: TrainingError when there is no such file or it is damaged; nothing in it is executed.
    """
    file = path
    if path.is_dir():
        file = path / ("model.onnx" if (path / "model.onnx").exists() else "model.pth")
    if file.suffix == ".onnx":
        return weights_of_onnx(file, architecture)
    try:
        found = torch.load(file, map_location="cpu", weights_only=True)
    except OSError as exc:
        raise TrainingError(f"{file} cannot be read: {exc.strerror or exc}.") from exc
    except Exception as exc:  # pickle, zip and torch errors of all kinds
        raise TrainingError(f"{file} is damaged or no PyTorch state dictionary; export it again.") from exc
    if not isinstance(found, dict) or not found or not all(isinstance(value, Tensor) for value in found.values()):
        raise TrainingError(f"{file} holds no state dictionary; save it with torch.save(model.state_dict(), PATH).")
    return found


def load_body(backbone: nn.Module, state_dict: StateDict, architecture: str, source: str) -> None:
    """Copy weights into the network, which takes their widths; the last layer only where it has two outputs.

    Raises: TrainingError when they are of another architecture.
    """
    take_widths(backbone, state_dict)
    own = backbone.state_dict()
    optional = {name for name in own if name.startswith(head_name(backbone)) or name.endswith("num_batches_tracked")}
    fitting = {name: value for name, value in state_dict.items() if name in own and value.shape == own[name].shape}
    if missing := sorted(set(own) - set(fitting) - optional):
        raise TrainingError(
            f"{source} holds weights of another network than {architecture}: {missing[0]} is missing or of another "
            f"shape ({len(missing)} of {len(own)} are); give the right --architecture."
        )
    if unknown := sorted(set(state_dict) - set(own)):
        raise TrainingError(
            f"{source} holds {unknown[0]}, which {architecture} does not have; give the right --architecture."
        )
    backbone.load_state_dict(fitting, strict=False)


def load_trained(path: Path, architecture: str) -> UInt8Network:
    """A trained two-class network, ready to answer.

    Raises: TrainingError when the file is missing, damaged or of another architecture.
    """
    backbone, state_dict = build_backbone(architecture), read_state_dict(path, architecture)
    head = head_name(backbone)
    if (weight := state_dict.get(f"{head}.weight")) is not None and len(weight) != 2:
        raise TrainingError(f"{path} has {len(weight)} outputs; a model of this service has two, offline and online.")
    load_body(backbone, state_dict, architecture, str(path))
    missing, unknown = set(backbone.state_dict()) - set(state_dict), set(state_dict) - set(backbone.state_dict())
    if odd := sorted(name for name in missing | unknown if not name.endswith("num_batches_tracked")):
        raise TrainingError(f"{path} is not a whole {architecture}: {odd[0]} is missing or unknown; export it again.")
    return UInt8Network(backbone.to(memory_format=torch.channels_last), MEAN, STD).eval()


def head_name(backbone: nn.Module) -> str:
    """The name of the last linear layer: fc in a ResNet, classifier.1 in MobileNet."""
    names: list[str] = [name for name, module in backbone.named_modules() if isinstance(module, nn.Linear)]
    return names[-1]


def freeze_body(network: UInt8Network) -> nn.Linear:
    """Leave only the last layer trainable (1,026 parameters in ResNet-18). Returns: that layer."""
    network.requires_grad_(requires_grad=False)
    head = network.backbone.get_submodule(head_name(network.backbone))
    head.requires_grad_(requires_grad=True)
    if not isinstance(head, nn.Linear):
        raise TypeError(f"{head} is no linear layer")
    return head


def slimmed(network: UInt8Network, ratio: float) -> UInt8Network:
    """A copy without the share `ratio` of each layer's channels: those of least norm, coupled layers together.

    By DepGraph (Fang et al. 2023, torch-pruning). The same share everywhere: ranked over all layers, magnitudes would
    empty the widest ones first, which take the least time.
    """
    smaller = copy.deepcopy(network).eval()
    head = smaller.backbone.get_submodule(head_name(smaller.backbone))
    torch_pruning.pruner.BasePruner(
        smaller.backbone,
        torch.zeros(TRACED),
        importance=torch_pruning.importance.GroupMagnitudeImportance(p=2),
        pruning_ratio=ratio,
        ignored_layers=[head],
        round_to=ROUND_TO,
    ).step()
    return smaller
