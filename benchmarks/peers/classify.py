"""What every peer does with a request: our artifact and engine, behind the same JSON body and the same two keys.

PEER_DECODER says who reads the picture: "pm" is our own preprocessing, with scaled decoding and its checks; "pillow"
the three calls that a team writes which serves a model with this peer.
"""

import base64
import os
import threading

from benchmarks.model import Batch, Model
from resnet_server.preprocess import ImageInfo

PORT = int(os.environ.get("PEER_PORT", "8000"))
WORKERS = int(os.environ.get("PEER_WORKERS", "1"))  # processes that hold a model
THREADS = int(os.environ.get("PEER_THREADS", "1"))  # the engine's threads in each of them
DECODER = os.environ.get("PEER_DECODER", "pm")
PATH = "/api/v1/get_pm"


class Classifier:
    """The loaded and warmed model; safe to call from several threads."""

    def __init__(self, threads: int = THREADS) -> None:
        self._model = Model(threads, with_pillow=DECODER == "pillow")
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
        return self._model.prepare(base64.b64decode(image_base64[2:-1]))

    def label(self, batch: Batch, info: ImageInfo) -> str:
        """uint8 (1, H, W, 3) → offline or online; by the model compiled for throughput where others are inside."""
        return self._model.predict(batch, info, alone=len(self._inside) <= 1).label
