"""What every peer does with a request: our artifact and engine, behind the same JSON body and the same two keys.

PEER_DECODER says who reads the picture: "pm" is our own preprocessing, with scaled decoding and its checks; "pillow"
the three calls that a team writes which serves a model with this peer. Both give the network the same size.
"""

import base64
import os
import threading

import numpy as np
import numpy.typing as npt

from benchmarks import pillow
from resnet_server.engines import load_engine
from resnet_server.manifest import load_manifest
from resnet_server.predictor import Predictor, check_golden
from resnet_server.preprocess import ImageInfo
from resnet_server.settings import DEFAULT_ARTIFACT

PORT = int(os.environ.get("PEER_PORT", "8000"))
WORKERS = int(os.environ.get("PEER_WORKERS", "1"))  # processes that hold a model
THREADS = int(os.environ.get("PEER_THREADS", "1"))  # the engine's threads in each of them
DECODER = os.environ.get("PEER_DECODER", "pm")
PATH = "/api/v1/get_pm"
MAX_PIXELS = 50_000_000

Batch = npt.NDArray[np.uint8]


class Classifier:
    """The loaded and warmed model; safe to call from several threads."""

    def __init__(self, threads: int = THREADS) -> None:
        manifest = load_manifest(DEFAULT_ARTIFACT)
        self._width, self._height = manifest.width, manifest.height
        self._predictor = Predictor(manifest, load_engine("auto", manifest, threads), MAX_PIXELS)
        check_golden(self._predictor)
        self._inside: set[int] = set()  # threads with a request, as Pm's own predictor counts them

    def answer(self, image_id: str, image_base64: str) -> dict[str, str]:
        """The two keys for one request."""
        self._inside.add(threading.get_ident())
        try:
            batch, info = self.prepare(image_base64)
            return {"image_id": image_id, "result": self.label(batch, info)}
        finally:
            self._inside.discard(threading.get_ident())

    def prepare(self, image_base64: str) -> tuple[Batch, ImageInfo]:
        """str(base64_data), as the documented client sends it → uint8 (1, H, W, 3) and the picture's header."""
        data = base64.b64decode(image_base64[2:-1])
        return self._predictor.preprocess(data, {}) if DECODER == "pm" else pillow.read(data, self._width, self._height)

    def label(self, batch: Batch, info: ImageInfo) -> str:
        """uint8 (1, H, W, 3) → offline or online; by the model compiled for throughput where others are inside."""
        logits = self._predictor.model(batch, {}, alone=len(self._inside) <= 1)
        return self._predictor.postprocess(logits, info).label
