"""Asks the running stack as its users do: is it ready, and what does it say of the sample picture?"""

import base64
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import requests
from urllib3.exceptions import InsecureRequestWarning

from Pm.sample import SAMPLE_ID
from server.env import ROOT
from server.stack.settings import StackError, StackSettings

SAMPLE = ROOT / "resnet_server" / "default_model" / "golden.png"
PROBE_TIMEOUT_S = 3
SAMPLE_TIMEOUT_S = 60


@dataclass(frozen=True)
class SampleAnswer:
    """What the stack said: the v1 body, the score and model version headers, and the milliseconds it took."""

    body: str
    score: str
    model_version: str
    ms: float


@contextmanager
def local_session() -> Iterator[requests.Session]:
    """A session that takes no proxy; whose name the certificate bears does not matter on this machine."""
    with requests.Session() as session, warnings.catch_warnings():
        warnings.simplefilter("ignore", InsecureRequestWarning)
        session.trust_env = False
        session.verify = False
        yield session


def is_ready(url: str) -> bool:
    """Whether the URL answers 200."""
    with local_session() as session:
        try:
            return session.get(url, timeout=PROBE_TIMEOUT_S).ok
        except requests.RequestException:
            return False


def post_sample(settings: StackSettings) -> SampleAnswer:
    """Post the sample picture to /api/v1/get_pm, as the documented client does.

    Raises: StackError when the answer is not a 200.
    """
    url = f"{settings.public_url}/api/v1/get_pm"
    body = {"image_id": SAMPLE_ID, "image_base64": str(base64.b64encode(SAMPLE.read_bytes()))}
    name = settings.gateway.allowed_hosts[0].lstrip(".")
    headers = {"Host": "localhost" if name == "*" else name}
    if settings.gateway.public_https:
        headers["X-Forwarded-Proto"] = "https"
    start = time.perf_counter()
    with local_session() as session:
        try:
            reply = session.post(url, json=body, headers=headers, timeout=SAMPLE_TIMEOUT_S)
            reply.raise_for_status()
            version, score = reply.headers["X-Model-Version"], reply.headers["X-Score"]
        except (requests.RequestException, KeyError) as exc:
            raise StackError(f"The sample picture was not answered ({exc}): see the files in log/.") from exc
    return SampleAnswer(reply.text, score, version, (time.perf_counter() - start) * 1000)
