"""Asks the model service over HTTP; the one place where urllib3's exceptions become ours."""

import logging
import time
from functools import lru_cache
from http.client import IncompleteRead

import requests
import urllib3
from django.conf import settings
from urllib3 import exceptions

from Pm.errors import ApiError, BadModelReplyError, ModelTimeoutError, ModelUnavailableError
from Pm.reply import UNUSABLE, ModelAnswer, read_reply

logger = logging.getLogger(__name__)
PATH = "/v1/is_online/"
TIMED_OUT = "The model did not answer in time."
UNAVAILABLE = "No model server answers; try again soon."
CONNECT_TIMEOUT_S = 1.0  # the model servers are near: a host that takes longer is not there
MAX_REASON_CHARACTERS = 100
POOL_SIZE = 64  # kept connections a host; above GATEWAY_THREADS, so that none is opened for one request only


class ModelClient:
    """A pool of connections to the balancer and, for when it is restarting, to each model server.

    urllib3 alone: requests on top of it costs as much again, and would bring cookies, proxies and redirects.
    """

    def __init__(self, urls: tuple[str, ...], read_timeout_s: float) -> None:
        self.urls = urls
        self.read_timeout_s = read_timeout_s
        self.pools = urllib3.PoolManager(num_pools=len(urls), maxsize=POOL_SIZE, retries=False)

    def classify(
        self, image: bytes, request_id: str, *, upstream: str = "prod", limit_s: float | None = None
    ) -> ModelAnswer:
        """The model's answer on one picture, all within `limit_s`, or else `read_timeout_s`.

        `upstream` is the balancer's: "prod", or "stable" while a canary runs (server/stack/render.py).
        The next of `urls` is asked only when no reply comes from the one before: a reply is final, since the balancer
        has tried both servers before it says that none is there, and a picture that kills workers must not kill more.
        Raises: ModelTimeoutError, ModelUnavailableError, BadModelReplyError, and the model service's own refusals.
        """
        deadline = time.monotonic() + (self.read_timeout_s if limit_s is None else limit_s)
        headers = {
            "Content-Type": "application/octet-stream",
            "Accept": "application/json",
            "X-Request-ID": request_id,
            "X-Model-Upstream": upstream,
        }
        for url in self.urls:
            try:
                reply = self._post(url, image, headers, deadline)
            except ModelUnavailableError as exc:
                logger.warning("model server skipped", extra={"url": url, "reason": repr(exc.__cause__)})
            else:
                return read_reply(reply.status, reply.data)
        raise ModelUnavailableError(UNAVAILABLE)

    def _post(self, url: str, image: bytes, headers: dict[str, str], deadline: float) -> urllib3.BaseHTTPResponse:
        remaining_s = deadline - time.monotonic()
        if remaining_s <= 0:
            raise ModelTimeoutError(TIMED_OUT)
        timeout = urllib3.Timeout(connect=min(CONNECT_TIMEOUT_S, remaining_s), read=remaining_s)
        try:
            return self.pools.request(
                "POST", url + PATH, body=image, headers=headers, timeout=timeout, redirect=False, preload_content=True
            )
        except exceptions.HTTPError as exc:
            raise translate(exc) from exc


def translate(exc: exceptions.HTTPError) -> ApiError:
    """What an exception of urllib3 means to the client."""
    if isinstance(exc, exceptions.ReadTimeoutError):
        return ModelTimeoutError(TIMED_OUT)
    # No connection in time, or none at all (NewConnectionError is a TimeoutError there), or one that breaks.
    if isinstance(exc, exceptions.TimeoutError | exceptions.ProtocolError | IncompleteRead):
        return ModelUnavailableError(UNAVAILABLE)
    return BadModelReplyError(UNUSABLE)


@lru_cache(maxsize=1)
def _client(urls: tuple[str, ...], read_timeout_s: float) -> ModelClient:
    return ModelClient(urls, read_timeout_s)


def model_client() -> ModelClient:
    """This process's client; made at the first request, so after uwsgi has forked."""
    return _client(settings.GATEWAY.model_urls, settings.GATEWAY.model_read_timeout_s)


def server_state(address: str, timeout_s: float = 1.0) -> str:
    """What a model server's own /readyz says: "ready (version)", or why it is not, in its words where it has some."""
    try:
        with requests.Session() as session:
            session.trust_env = False
            reply = session.get(f"http://{address}/readyz", timeout=timeout_s, allow_redirects=False)
            document = reply.json()
            if reply.ok and document["status"] == "ready":
                return f"ready ({document['model_version']})"
            return f"not ready ({str(document['error']['message'])[:MAX_REASON_CHARACTERS]})"
    except requests.Timeout:
        return "timed out"
    except requests.ConnectionError:
        return "unreachable"
    except (requests.RequestException, exceptions.HTTPError, ValueError, TypeError, KeyError):
        return "not ready"
