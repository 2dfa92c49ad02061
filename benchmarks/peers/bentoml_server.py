"""BentoML: a service whose function runs in threads, as many as the engine has infer requests."""

import bentoml

from benchmarks.peers.classify import PATH, THREADS, WORKERS, Classifier


@bentoml.service(workers=WORKERS, threads=THREADS, traffic={"timeout": 60}, metrics={"enabled": False})
class Photos:
    """The documented body in, the two keys out."""

    def __init__(self) -> None:
        self.classifier = Classifier()

    @bentoml.api(route=PATH)
    def get_pm(self, image_id: str, image_base64: str) -> dict[str, str]:
        """Classify one photo."""
        return self.classifier.answer(image_id, image_base64)
