"""Locust's users: each posts photos of all sizes at random, and waits as long as a 503 tells it."""

import os
import random
import uuid
from pathlib import Path

import gevent
from locust import FastHttpUser, task

BODIES = Path(os.environ["LOAD_BODIES"]).read_text(encoding="ascii").split()
NAMES = Path(os.environ["LOAD_NAMES"]).read_text(encoding="utf-8").splitlines()


class Backend(FastHttpUser):
    """A crawler's backend."""

    @task
    def get_pm(self) -> None:
        """Post one photo that the server has not seen; each size has a line of its own in the report."""
        number = random.randrange(len(BODIES))
        fresh = f"{uuid.uuid4().int % 10**16:016d}"  # 12 bytes behind the picture's end
        body = {"image_id": f"load-{fresh}", "image_base64": f"b'{BODIES[number]}{fresh}'"}
        with self.client.post("/api/v1/get_pm", json=body, name=NAMES[number], catch_response=True) as reply:
            if reply.status_code == 503:
                reply.failure("503 busy")
                gevent.sleep(float(reply.headers.get("Retry-After", "1")))
            elif reply.status_code == 200 and set(reply.json()) != {"image_id", "result"}:
                reply.failure("200 without the two keys")
