"""Asks the model service over HTTP; the one place where requests' exceptions become ours."""

import logging
import time
from functools import lru_cache
from http.cookiejar import DefaultCookiePolicy

import requests
import urllib3.exceptions
from django.conf import settings
from requests.adapters import HTTPAdapter

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
    """A pool of connections to the balancer and, for when it is restarting, to each model server."""

    def __init__(self, urls: tuple[str, ...], read_timeout_s: float) -> None:
        self.urls = urls
        self.read_timeout_s = read_timeout_s
        self.session = requests.Session()
        self.session.trust_env = False  # no proxy from the environment, no .netrc
        self.session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
        self.session.mount("http://", HTTPAdapter(pool_connections=len(urls), pool_maxsize=POOL_SIZE))

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
                return read_reply(reply.status_code, reply.content)
        raise ModelUnavailableError(UNAVAILABLE)

    def _post(self, url: str, image: bytes, headers: dict[str, str], deadline: float) -> requests.Response:
        remaining_s = deadline - time.monotonic()
        if remaining_s <= 0:
            raise ModelTimeoutError(TIMED_OUT)
        timeout = (min(CONNECT_TIMEOUT_S, remaining_s), remaining_s)
        try:
            return self.session.post(url + PATH, data=image, headers=headers, timeout=timeout, allow_redirects=False)
        except (requests.RequestException, urllib3.exceptions.HTTPError) as exc:
            raise translate(exc) from exc


def translate(exc: Exception) -> ApiError:
    """What an exception of requests or urllib3 means to the client."""
    # While a body is read, requests raises ConnectionError around urllib3's ReadTimeoutError.
    inner = exc.args[0] if exc.args else None
    if isinstance(exc, requests.ReadTimeout) or isinstance(inner, urllib3.exceptions.ReadTimeoutError):
        return ModelTimeoutError(TIMED_OUT)
    if isinstance(exc, requests.ConnectionError | requests.Timeout | requests.exceptions.ChunkedEncodingError):
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
    except (requests.RequestException, urllib3.exceptions.HTTPError, ValueError, TypeError, KeyError):
        return "not ready"
