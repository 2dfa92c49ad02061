"""Mosec: decoding and inference as two stages of its pipeline, or one stage in several processes."""

from typing import Any

from mosec import Server, Worker

from benchmarks.model import Batch
from benchmarks.peers.classify import PATH, THREADS, WORKERS, Classifier
from resnet_server.preprocess import ImageInfo

TIMEOUT_S = 60
Prepared = tuple[str, Batch, ImageInfo]


class Whole(Worker):
    """Everything in one process."""

    def __init__(self) -> None:
        self.classifier = Classifier()

    def forward(self, data: dict[str, Any]) -> dict[str, str]:
        """The two keys."""
        return self.classifier.answer(data["image_id"], data["image_base64"])


class Prepare(Worker):
    """The first stage: bytes to pixels."""

    def __init__(self) -> None:
        self.classifier = Classifier(threads=1)

    def forward(self, data: dict[str, Any]) -> Prepared:
        """The network's input."""
        return data["image_id"], *self.classifier.prepare(data["image_base64"])


class Infer(Worker):
    """The second stage: pixels to a label."""

    def __init__(self) -> None:
        self.classifier = Classifier()

    def forward(self, data: Prepared) -> dict[str, str]:
        """The two keys."""
        image_id, batch, info = data
        return {"image_id": image_id, "result": self.classifier.label(batch, info)}


if __name__ == "__main__":
    server = Server()
    if WORKERS > 1:
        server.append_worker(Whole, num=WORKERS, route=PATH, timeout=TIMEOUT_S)
    else:
        server.append_worker(Prepare, num=THREADS, route=PATH, timeout=TIMEOUT_S)
        server.append_worker(Infer, route=PATH, timeout=TIMEOUT_S)
    server.run()
