"""Ray Serve: a deployment whose replicas classify in threads, behind Ray's own HTTP proxy."""

import asyncio
import os

import ray
from ray import serve
from starlette.requests import Request

from benchmarks.peers.classify import PATH, PORT, WORKERS, Classifier


# num_cpus=0: Ray counts cores to place replicas, and a machine with few must still hold the proxy and all replicas.
@serve.deployment(num_replicas=WORKERS, max_ongoing_requests=32, ray_actor_options={"num_cpus": 0})
class Photos:
    """The documented body in, the two keys out."""

    def __init__(self) -> None:
        self.classifier = Classifier()

    async def __call__(self, request: Request) -> dict[str, str]:
        """Classify one photo."""
        body = await request.json()
        return await asyncio.to_thread(self.classifier.answer, body["image_id"], body["image_base64"])


if __name__ == "__main__":
    ray.init(include_dashboard=False, log_to_driver=False, _temp_dir=os.environ["PEER_WORK"])
    serve.start(http_options={"host": "127.0.0.1", "port": PORT})
    serve.run(
        Photos.bind(),  # type: ignore[attr-defined]  # the decorator made it a deployment
        route_prefix=PATH,
        blocking=True,
    )
