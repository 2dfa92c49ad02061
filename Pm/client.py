"""Asks the model service over HTTP; the one place where the network's exceptions become ours."""

import logging
import select
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import lru_cache
from http.client import HTTPConnection, HTTPException
from urllib.parse import urlsplit

import requests
from django.conf import settings
from urllib3.exceptions import HTTPError

from Pm.errors import ModelTimeoutError, ModelUnavailableError
from Pm.reply import ModelAnswer, read_reply

logger = logging.getLogger(__name__)
PATH = "/v1/is_online/"
TIMED_OUT = "The model did not answer in time."
UNAVAILABLE = "No model server answers; try again soon."
CONNECT_TIMEOUT_S = 1.0  # the model servers are near: a host that takes longer is not there
LAST_LOOK_S = 0.05  # for an answer that lies there already when the time is over
MAX_REASON_CHARACTERS = 100


def nothing() -> None:
    """What there is to do while the model works, for who has nothing."""


class ModelClient:
    """Kept connections to the balancer and, for when it is restarting, to each model server.

    http.client alone: libraries on top of it cost as much again, and send and receive in one call, so that the gateway
    could do nothing while the model works (docs/adr/0010).
    """

    def __init__(self, urls: tuple[str, ...], read_timeout_s: float) -> None:
        self.read_timeout_s = read_timeout_s
        # As many as were in use at once, so at most GATEWAY_THREADS; who used one last is taken first.
        self._idle: dict[str, deque[HTTPConnection]] = {url: deque() for url in urls}

    def classify(
        self,
        image: bytes,
        request_id: str,
        *,
        upstream: str = "prod",
        limit_s: float | None = None,
        meanwhile: Callable[[], None] = nothing,
    ) -> ModelAnswer:
        """The model's answer on one picture, all within `limit_s`, or else `read_timeout_s`.

        `upstream` is the balancer's: "prod", or "stable" while a canary runs (server/stack/render.py). `meanwhile` is
        called while a server works; it must not raise, and may be called again when another server is asked.
        The next of the URLs is asked only when no reply comes from the one before: a reply is final, since the balancer
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
        for url in self._idle:
            try:
                reply = self._post(url, image, headers, deadline, meanwhile)
            except ModelUnavailableError as exc:
                logger.warning("model server skipped", extra={"url": url, "reason": repr(exc.__cause__)})
            else:
                return read_reply(*reply)
        raise ModelUnavailableError(UNAVAILABLE)

    def _post(
        self, url: str, image: bytes, headers: dict[str, str], deadline: float, meanwhile: Callable[[], None]
    ) -> tuple[int, bytes]:
        """The reply's status and content."""
        connection = self._connection(url, deadline)
        try:
            with translated():
                connection.sock.settimeout(remaining_s(deadline))
                connection.request("POST", PATH, body=image, headers=headers)
            meanwhile()
            with translated():
                # An answer that came while something else took too long is taken all the same.
                connection.sock.settimeout(max(deadline - time.monotonic(), LAST_LOOK_S))
                response = connection.getresponse()
                content = response.read()
        except BaseException:
            connection.close()
            raise
        if connection.sock:  # else the server said that it closes it
            self._idle[url].append(connection)
        return response.status, content

    def _connection(self, url: str, deadline: float) -> HTTPConnection:
        """A kept connection that is still open, else a new one. Raises: ModelTimeoutError, ModelUnavailableError."""
        while kept := self._take(url):
            if not is_readable(kept):
                return kept
            kept.close()  # the server has closed it meanwhile
        where = urlsplit(url)
        connection = HTTPConnection(str(where.hostname), where.port)
        connection.timeout = min(CONNECT_TIMEOUT_S, remaining_s(deadline))
        try:
            connection.connect()
        except (OSError, UnicodeError) as exc:  # the latter for a name that cannot be one
            raise ModelUnavailableError(UNAVAILABLE) from exc
        return connection

    def _take(self, url: str) -> HTTPConnection | None:
        """A kept connection, if any; other threads take some at the same time."""
        try:
            return self._idle[url].pop()
        except IndexError:
            return None

    def close(self) -> None:
        """Close the kept connections."""
        for url in self._idle:
            while kept := self._take(url):
                kept.close()


def remaining_s(deadline: float) -> float:
    """Seconds until then. Raises: ModelTimeoutError when there are none."""
    seconds = deadline - time.monotonic()
    if seconds <= 0:
        raise ModelTimeoutError(TIMED_OUT)
    return seconds


def is_readable(connection: HTTPConnection) -> bool:
    """Whether something lies there to be read; between two requests that can only be the end of the connection."""
    poll = select.poll()
    poll.register(connection.sock, select.POLLIN)
    return bool(poll.poll(0))


@contextmanager
def translated() -> Iterator[None]:
    """What the exceptions of a connection mean to the client."""
    try:
        yield
    except TimeoutError as exc:
        raise ModelTimeoutError(TIMED_OUT) from exc
    except (OSError, HTTPException) as exc:
        raise ModelUnavailableError(UNAVAILABLE) from exc


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
    except (requests.RequestException, HTTPError, ValueError, TypeError, KeyError):
        return "not ready"
