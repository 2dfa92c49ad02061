"""Posts the sample picture to the running stack, as the documented client does."""

import base64
import time
from dataclasses import dataclass

import requests

from server.env import ROOT
from server.stack.settings import StackError, StackSettings

SAMPLE = ROOT / "resnet_server" / "default_model" / "golden.png"


@dataclass(frozen=True)
class SampleAnswer:
    """What the stack said: the v1 body, the score and model version headers, and the milliseconds it took."""

    body: str
    score: str
    model_version: str
    ms: float


def post_sample(settings: StackSettings) -> SampleAnswer:
    """Post the sample picture to /api/v1/get_pm.

    Raises: StackError when the answer is not a 200.
    """
    encoded = base64.b64encode(SAMPLE.read_bytes())
    body = {"image_id": "样例-sample", "image_base64": str(encoded)}
    start = time.perf_counter()
    with requests.Session() as session:
        session.trust_env = False
        # The certificate is the operator's own affair: this only asks whether the stack on this machine answers.
        session.verify = not settings.tls_certificate
        reply = session.post(f"{settings.public_url}/api/v1/get_pm", json=body, timeout=60)
    if reply.status_code != requests.codes.ok:
        raise StackError(f"The sample picture was answered {reply.status_code} {reply.text}: see the files in log/.")
    ms = (time.perf_counter() - start) * 1000
    return SampleAnswer(reply.text, reply.headers["X-Score"], reply.headers["X-Model-Version"], ms)
