"""Artifacts in engines: loaded and run as a server does, and one sentence for whatever goes wrong there."""

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass

import numpy as np
from loky import cpu_count
from rich.progress import track

from resnet_server.engines import WEIGHT_SUFFIX, Engine, load_engine
from resnet_server.errors import ArtifactError
from resnet_server.manifest import Manifest
from training.errors import TrainingError
from training.judging.answers import Logits
from training.photos.data import Images


@dataclass(frozen=True)
class Model:
    """An artifact, loaded into an engine."""

    manifest: Manifest
    engine: Engine

    def logits(self, images: Images) -> Logits:
        """Run one batch: uint8 (N, H, W, 3) → float32 (N, 2).

        Raises: TrainingError when the engine fails or answers anything but N pairs of finite numbers.
        """
        weights = self.manifest.weights
        try:
            logits: Logits = np.asarray(self.engine.infer(np.array(images)), dtype=np.float32)
        except Exception as exc:  # each engine has its own exceptions
            reason = (str(exc).strip().splitlines() or [type(exc).__name__])[0]
            raise TrainingError(f"{weights} cannot be run: {reason}") from exc
        if logits.ndim == 2 and logits.shape[1] != 2:
            raise TrainingError(
                f"{weights} has {logits.shape[1]} outputs; a model of this service has two, offline and online."
            )
        if logits.shape != (len(images), 2) or not np.isfinite(logits).all():
            raise TrainingError(f"{weights} does not answer with two finite logits; package it again.")
        return logits

    def predict(self, images: Images, batch: int = 8, title: str = "predicting") -> Logits:
        """Logits (N, 2) of any number of pictures, under a progress bar."""
        starts = track(range(0, len(images), batch), description=title, transient=True)
        return np.concatenate([self.logits(images[i : i + batch]) for i in starts])


def load(manifest: Manifest, engine: str, threads: int = 0) -> Model:
    """Load an artifact into an engine; `threads` 0 takes what the CPU quota and the affinity give.

    Raises: TrainingError when the engine cannot load it.
    """
    try:
        with torchs_threads_kept() if manifest.weights.suffix == ".pth" else nullcontext():
            return Model(manifest, load_engine(engine, manifest, threads or cpu_count()))
    except ArtifactError as exc:  # holds the engine's own words, often several lines of them
        if manifest.weights.suffix == ".pth":
            from training.learning.network import load_trained  # torch: four seconds that predict needs not take

            load_trained(manifest.weights, manifest.architecture)  # says of another network's weights what they are
        raise TrainingError(" ".join(str(exc).split())) from exc


@contextmanager
def torchs_threads_kept() -> Iterator[None]:
    """The PyTorch engine leaves torch one thread, as a server needs it; who trains or measures here keeps its own."""
    import torch

    threads = torch.get_num_threads()
    try:
        yield
    finally:
        torch.set_num_threads(threads)


def loaded(manifest: Manifest) -> Iterator[tuple[str, Model]]:
    """The artifact in every engine that runs its kind of weights, by the engine's name.

    Raises: TrainingError when one cannot load it.
    """
    names = sorted(name for name, suffix in WEIGHT_SUFFIX.items() if suffix == manifest.weights.suffix)
    for name in names or ["auto"]:  # which says what is wrong with a suffix that no engine runs
        yield name, load(manifest, name)
