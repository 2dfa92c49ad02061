"""The documents' frozen training loop against ours: same pictures, begin and epochs, one after the other.

    python -m benchmarks.frozen_training SPLIT --weights FILE

SPLIT is what `python -m training split` wrote. FILE: weights of another task to begin from (the documents take
ImageNet's: --weights imagenet, which needs internet once); its last layer is not used.
"""

import json
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Annotated, TypeVar

import numpy as np
import torch
import typer
from torch import nn, optim
from torch.utils.data import DataLoader
from torchvision import datasets, transforms

from resnet_server.engines.pytorch import build_backbone
from training.learning.fit import fit
from training.learning.network import MEAN, STD, StateDict, build_network
from training.learning.recipes import DOCUMENTED, with_epochs
from training.learning.run import HISTORY
from training.learning.sources import Parts
from training.photos.data import load

SIZE = (DOCUMENTED.height, DOCUMENTED.width)
WORKERS = 4  # the documents'

T = TypeVar("T")


def main(
    split: Annotated[Path, typer.Argument(help="Folder with train/ and val/.")],
    weights: Annotated[str, typer.Option(help="imagenet, or a .pth file to begin from.")] = "imagenet",
    epochs: Annotated[int, typer.Option(min=1)] = DOCUMENTED.epochs,
    seed: int = 0,
    out: Annotated[Path, typer.Option(help="The numbers as JSON.")] = Path("var/benchmarks/frozen_training.json"),
) -> None:
    """Print both times, their ratio, both accuracies, and where our time goes."""
    begin = body_weights(weights)
    learned, validated = count(split / "train"), count(split / "val")
    print(f"{torch.get_num_threads()} threads, {epochs} epochs, {learned} pictures to learn, {validated} to validate")
    documented_s, documented_accuracy = timed(documented_loop, split, begin, epochs, seed)
    print(f"documented loop: {documented_s:.1f} s, best validation accuracy {documented_accuracy:.4f}")
    with tempfile.TemporaryDirectory() as scratch:
        ours_s, (ours_accuracy, stages) = timed(our_training, split, begin, epochs, seed, Path(scratch))
    print(f"ours:            {ours_s:.1f} s, best validation accuracy {ours_accuracy:.4f}")
    print("where our time goes: " + ", ".join(f"{name} {seconds:.1f} s" for name, seconds in stages.items()))
    print(f"ratio: {documented_s / ours_s:.1f}")
    out.parent.mkdir(parents=True, exist_ok=True)
    numbers = {
        "documented_s": documented_s,
        "ours_s": ours_s,
        "ratio": documented_s / ours_s,
        "documented_accuracy": documented_accuracy,
        "ours_accuracy": ours_accuracy,
        "ours_stages_s": stages,
    }
    out.write_text(json.dumps(numbers, indent=2) + "\n", encoding="utf-8")


def body_weights(weights: str) -> StateDict:
    """All but the last layer, which both sides begin at random."""
    state = build_network("resnet18", weights).backbone.state_dict()
    return {name: value.contiguous() for name, value in state.items() if not name.startswith("fc.")}


def documented_loop(split: Path, begin: StateDict, epochs: int, seed: int) -> float:
    """The documents' train.py with everything but the last layer frozen. Returns: best validation accuracy."""
    normalize = transforms.Normalize(MEAN, STD)
    prepared = {
        "train": transforms.Compose([transforms.RandomResizedCrop(SIZE), transforms.ToTensor(), normalize]),
        "val": transforms.Compose([transforms.Resize(SIZE), transforms.ToTensor(), normalize]),
    }
    loaders = {
        part: DataLoader(
            datasets.ImageFolder(str(split / part), prepared[part]), batch_size=8, shuffle=True, num_workers=WORKERS
        )
        for part in prepared
    }
    torch.manual_seed(seed)
    model = build_backbone("resnet18")
    model.load_state_dict(begin, strict=False)
    model.requires_grad_(requires_grad=False)
    head = nn.Linear(512, 2)
    model.fc = head
    criterion = nn.CrossEntropyLoss()
    optimizer = optim.SGD(head.parameters(), lr=0.001, momentum=0.9)
    scheduler = optim.lr_scheduler.StepLR(optimizer, step_size=7, gamma=0.1)
    best = 0.0
    for _ in range(epochs):
        for part, batches in loaders.items():
            model.train(part == "train")
            right = 0
            for inputs, labels in batches:
                optimizer.zero_grad()
                with torch.set_grad_enabled(part == "train"):
                    outputs = model(inputs)
                    loss = criterion(outputs, labels)
                    if part == "train":
                        loss.backward()
                        optimizer.step()
                right += int((outputs.argmax(1) == labels).sum())
            if part == "train":
                scheduler.step()
            else:
                best = max(best, right / len(batches.dataset))  # type: ignore[arg-type]
    return best


def our_training(
    split: Path, begin: StateDict, epochs: int, seed: int, scratch: Path
) -> tuple[float, dict[str, float]]:
    """`python -m training train SPLIT RUN --freeze`, nothing cached. Returns: best accuracy, seconds by stage."""
    body = scratch / "body.pth"
    torch.save(begin, body)
    recipe = replace(with_epochs(DOCUMENTED, epochs), weights=str(body), freeze=True)
    started = time.perf_counter()
    train = load(split / "train", *recipe.canvas, scratch / "cache")
    val = load(split / "val", recipe.height, recipe.width, scratch / "cache")
    decoded = time.perf_counter()
    fit(Parts(train, np.arange(len(train.samples)), val), recipe, scratch / "run", seed=seed)
    ended = time.perf_counter()
    rows = np.genfromtxt(scratch / "run" / HISTORY, delimiter=",", names=True, ndmin=1)
    last_layer = float(rows["seconds"].sum())
    stages = {
        "decoding once": decoded - started,
        "features once": ended - decoded - last_layer,
        "last layer": last_layer,
    }
    return float(rows["val_accuracy"].max()), stages


def timed(function: Callable[..., T], *arguments: object) -> tuple[float, T]:
    """Seconds and result."""
    started = time.perf_counter()
    result = function(*arguments)
    return time.perf_counter() - started, result


def count(folder: Path) -> int:
    """Files in the class folders."""
    return sum(1 for path in folder.glob("*/*") if path.is_file())


if __name__ == "__main__":
    typer.run(main)
