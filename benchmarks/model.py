"""Our artifact and engine, behind Pm's own decoder or behind the three calls of Pillow that a team writes."""

import io

import numpy as np
import numpy.typing as npt
from PIL import Image

from resnet_server.engines import load_engine
from resnet_server.manifest import load_manifest
from resnet_server.predictor import Prediction, Predictor, check_golden
from resnet_server.preprocess import ImageInfo
from resnet_server.settings import DEFAULT_ARTIFACT

MAX_PIXELS = 50_000_000

Batch = npt.NDArray[np.uint8]


class Model:
    """The default model, loaded and warm; safe to call from several threads.

    `with_pillow`: the whole picture is decoded, then squashed. Both give the network the same size.
    """

    def __init__(self, threads: int, *, with_pillow: bool = False) -> None:
        manifest = load_manifest(DEFAULT_ARTIFACT)
        self._size = (manifest.width, manifest.height)
        self._with_pillow = with_pillow
        self._predictor = Predictor(manifest, load_engine("auto", manifest, threads), MAX_PIXELS)
        check_golden(self._predictor)

    def prepare(self, data: bytes) -> tuple[Batch, ImageInfo]:
        """Bytes → uint8 (1, H, W, 3) and the picture's header."""
        if not self._with_pillow:
            return self._predictor.preprocess(data, {})
        image = Image.open(io.BytesIO(data))
        pixels = image.convert("RGB").resize(self._size, Image.Resampling.BILINEAR)
        return np.asarray(pixels)[np.newaxis], ImageInfo(str(image.format), *image.size)

    def predict(self, batch: Batch, info: ImageInfo, *, alone: bool) -> Prediction:
        """uint8 (1, H, W, 3) → the answer; `alone`: no other is on its way, so that this one may take every core."""
        return self._predictor.postprocess(self._predictor.model(batch, {}, alone=alone), info)
