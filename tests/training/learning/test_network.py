"""Networks and where their weights come from."""

from pathlib import Path
from urllib.error import URLError

import pytest
import torch

from training.errors import TrainingError
from training.learning.network import ARCHITECTURES, build_network, freeze_body, head_name, load_trained


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_every_architecture_has_two_outputs(architecture: str) -> None:
    with torch.device("meta"):
        network = build_network(architecture, "none")
    assert network.backbone.get_submodule(head_name(network.backbone)).out_features == 2


def test_freezing_resnet18_leaves_1026_parameters_to_train() -> None:
    network = build_network("resnet18", "none")
    freeze_body(network)
    trained = [parameter.numel() for parameter in network.parameters() if parameter.requires_grad]
    assert sum(trained) == 1_026
    assert sum(parameter.numel() for parameter in network.parameters()) == 11_177_538


def test_a_share_of_the_channels_is_had_in_every_layer() -> None:
    backbone = build_network("resnet18", "none", 0.625).backbone
    assert [len(backbone.get_parameter(f"layer{n}.1.conv2.weight")) for n in (1, 2, 3, 4)] == [40, 80, 160, 320]
    assert backbone.get_parameter("fc.weight").shape == (2, 320)


@pytest.mark.parametrize("share", [0, -0.5, 1.5, float("nan")])
def test_what_is_no_share_of_the_channels_is_refused(share: float) -> None:
    with pytest.raises(TrainingError, match=r"^--channels \S+ is no share of the channels; give a number above 0"):
        build_network("resnet18", "none", share)


def test_weights_from_a_file_are_taken_whole_when_they_have_two_outputs(weights: Path) -> None:
    network = build_network("resnet18", str(weights))
    found = torch.load(weights, weights_only=True)
    assert all(torch.equal(value, found[name]) for name, value in network.backbone.state_dict().items())


def test_of_weights_with_a_thousand_outputs_all_but_the_last_layer_is_taken(weights: Path, tmp_path: Path) -> None:
    state = torch.load(weights, weights_only=True)
    state |= {"fc.weight": torch.zeros(1000, 512), "fc.bias": torch.zeros(1000)}
    torch.save(state, tmp_path / "imagenet.pth")
    network = build_network("resnet18", str(tmp_path / "imagenet.pth"))
    own = network.backbone.state_dict()
    assert torch.equal(own["layer4.1.conv2.weight"], state["layer4.1.conv2.weight"])
    assert own["fc.weight"].shape == (2, 512)


def test_imagenet_without_internet_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise URLError("no route")

    monkeypatch.setattr("torchvision.models._api.load_state_dict_from_url", refuse)
    with pytest.raises(TrainingError, match=r"resnet18-f37072fd\.pth cannot be downloaded .*pass --weights FILE"):
        build_network("resnet18", "imagenet")


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (None, r"cannot be read: No such file or directory\.$"),
        (b"half a file", r"is damaged or no PyTorch state dictionary; export it again\.$"),
        ([1, 2], r"holds no state dictionary; save it with torch\.save\(model\.state_dict\(\), PATH\)\.$"),
        ({"layer": torch.zeros(1)}, r"another network than resnet18: bn1\.bias is missing or of another shape"),
    ],
)
def test_weights_that_cannot_be_used_are_named(content: object, sentence: str, tmp_path: Path) -> None:
    path = tmp_path / "weights.pth"
    if isinstance(content, bytes):
        path.write_bytes(content)
    elif content is not None:
        torch.save(content, path)
    with pytest.raises(TrainingError, match=sentence):
        build_network("resnet18", str(path))


def test_weights_of_another_architecture_are_refused(weights: Path) -> None:
    with pytest.raises(TrainingError, match=r"holds weights of another network than resnet50: .* give the right"):
        build_network("resnet50", str(weights))


def test_an_unknown_architecture_is_refused_with_the_known_ones() -> None:
    with pytest.raises(TrainingError, match=r"^vgg16 is not known; choose one of resnet18, .*mobilenet_v2\.$"):
        build_network("vgg16", "none")


def test_a_trained_model_has_two_outputs(weights: Path, tmp_path: Path) -> None:
    state = torch.load(weights, weights_only=True)
    state |= {"fc.weight": torch.zeros(3, 512), "fc.bias": torch.zeros(3)}
    torch.save(state, tmp_path / "three.pth")
    with pytest.raises(TrainingError, match=r"has 3 outputs; a model of this service has two, offline and online\.$"):
        load_trained(tmp_path / "three.pth", "resnet18")


def test_weights_that_hold_more_than_the_network_are_refused(tmp_path: Path) -> None:
    torch.save(build_network("resnet34", "none").backbone.state_dict(), tmp_path / "resnet34.pth")
    with pytest.raises(TrainingError, match=r"holds layer1\.2\..*, which resnet18 does not have; give the right"):
        build_network("resnet18", str(tmp_path / "resnet34.pth"))
