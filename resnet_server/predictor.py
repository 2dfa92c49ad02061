"""The predictor: preprocess, model, postprocess; and its loading, which trusts nothing that it has not tried."""

import math
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from resnet_server.engines import Engine, load_engine
from resnet_server.errors import ArtifactError, ServiceError
from resnet_server.manifest import Manifest, load_manifest
from resnet_server.preprocess import ImageInfo, preprocess
from resnet_server.settings import ModelSettings

StageTimes = dict[str, float]
WARM_UP_RUNS = 3


@dataclass(frozen=True)
class Prediction:
    """The answer: label index 0 (offline) or 1 (online), its name, its probability 0.5..1, and the image's header."""

    result: int
    label: str
    score: float
    image: ImageInfo


class Predictor:
    """One loaded model; safe to call from several threads."""

    def __init__(self, manifest: Manifest, engine: Engine, max_pixels: int) -> None:
        self.manifest = manifest
        self._engine = engine
        self._spec = manifest.preprocess_spec(max_pixels)

    def predict(self, data: bytes, ms: StageTimes, is_alone: Callable[[], bool] = lambda: True) -> Prediction:
        """Classify the bytes of one picture; `ms` receives each stage's milliseconds.

        `is_alone`, asked when it is decoded: whether no other is on its way, so that this one may take every core.
        Raises: InvalidImageError, UnsupportedFormatError, TooLargeError.
        """
        batch, info = self.preprocess(data, ms)
        return self.postprocess(self.model(batch, ms, alone=is_alone()), info)

    def preprocess(self, data: bytes, ms: StageTimes) -> tuple[npt.NDArray[np.uint8], ImageInfo]:
        """Bytes → uint8 (1, H, W, 3) and the header."""
        with stage(ms, "preprocess"):
            image, info = preprocess(data, self._spec)
            return image[np.newaxis], info

    def model(self, batch: npt.NDArray[np.uint8], ms: StageTimes, *, alone: bool = True) -> npt.NDArray[np.float32]:
        """uint8 (1, H, W, 3) → float32 logits (1, 2)."""
        with stage(ms, "inference"):
            return self._engine.infer(batch, alone=alone)

    def postprocess(self, logits: npt.NDArray[np.float32], info: ImageInfo) -> Prediction:
        """Logits (1, 2) → label and its calibrated probability.

        Raises: ArithmeticError when the logits are not finite.
        """
        values = logits[0].tolist()
        if not all(map(math.isfinite, values)):
            raise ArithmeticError(f"The model answered {logits.tolist()}, which is no pair of finite numbers.")
        # Two numbers: Python's own arithmetic takes less than waking numpy's.
        weights = [math.exp((value - max(values)) / self.manifest.temperature) for value in values]
        result = weights.index(max(weights))
        return Prediction(result, self.manifest.labels[result], weights[result] / sum(weights), info)


@contextmanager
def stage(ms: StageTimes, name: str) -> Iterator[None]:
    """Write the milliseconds that the block took to ms[name]."""
    start = time.perf_counter()
    yield
    ms[name] = round((time.perf_counter() - start) * 1000, 3)


def load_predictor(settings: ModelSettings) -> Predictor:
    """Load an artifact, warm it up and hold it against its golden image.

    Raises: ArtifactError when anything is missing, damaged, or answers otherwise than the manifest says.
    """
    manifest = load_manifest(settings.artifact)
    engine = load_engine(settings.engine, manifest, settings.threads)
    predictor = Predictor(manifest, engine, settings.max_image_pixels)
    check_golden(predictor)
    return predictor


def check_golden(predictor: Predictor) -> None:
    """Run the golden image, alone and not (several times: the first runs allocate), and compare its logits.

    Raises: ArtifactError when they differ by more than the manifest's tolerance, or are not finite.
    """
    manifest = predictor.manifest
    try:
        batch, _ = predictor.preprocess(manifest.golden_image.read_bytes(), {})
        answers = [predictor.model(batch, {}, alone=alone) for _ in range(WARM_UP_RUNS) for alone in (True, False)]
    except (OSError, ServiceError, RuntimeError, ValueError) as exc:
        raise ArtifactError(f"{manifest.folder} does not answer its golden image: {exc}") from exc
    expected = np.asarray([manifest.golden_logits])
    for logits in answers:
        if logits.shape != expected.shape or not np.allclose(logits, expected, rtol=0, atol=manifest.golden_tolerance):
            raise ArtifactError(
                f"{manifest.folder} answers its golden image with {logits.tolist()}; its manifest says "
                f"{expected.tolist()} within {manifest.golden_tolerance}. Do not serve it; package it again."
            )
