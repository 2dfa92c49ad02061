"""Asks the model service over HTTP; the one place where the network's exceptions become ours."""

import logging
import time
from collections import deque
from collections.abc import Callable
from functools import lru_cache

import requests
from django.conf import settings
from urllib3.exceptions import HTTPError

from Pm.connection import FAILURES, Connection, Question
from Pm.errors import ModelTimeoutError, ModelUnavailableError
from Pm.reply import ModelAnswer, read_reply

logger = logging.getLogger(__name__)
TIMED_OUT = "The model did not answer in time."
UNAVAILABLE = "No model server answers; try again soon."
CONNECT_TIMEOUT_S = 1.0  # the model servers are near: a host that takes longer is not there
MAX_REASON_CHARACTERS = 100


def nothing() -> None:
    """What there is to do while the model works, for who has nothing."""


class ModelClient:
    """Kept connections to the balancer and, for when it is restarting, to each model server."""

    def __init__(self, urls: tuple[str, ...], read_timeout_s: float) -> None:
        self.read_timeout_s = read_timeout_s
        # As many as were in use at once, so at most GATEWAY_THREADS; who used one last is taken first.
        self._idle: dict[str, deque[Connection]] = {url: deque() for url in urls}

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
        question = Question(image, request_id, upstream)
        for url in self._idle:
            try:
                reply = self._ask(url, question, deadline, meanwhile)
            except ModelUnavailableError as exc:
                logger.warning("model server skipped", extra={"url": url, "reason": repr(exc.__cause__)})
            else:
                return read_reply(*reply)
        raise ModelUnavailableError(UNAVAILABLE)

    def _ask(self, url: str, question: Question, deadline: float, meanwhile: Callable[[], None]) -> tuple[int, bytes]:
        """The reply's status and content."""
        connection = self._connection(url, deadline)
        try:
            with Translated():
                connection.send(question, deadline=deadline)
            meanwhile()
            with Translated():
                reply = connection.receive(deadline=deadline)
        except BaseException:
            connection.close()
            raise
        if connection.may_be_kept:
            self._idle[url].append(connection)
        else:
            connection.close()
        return reply

    def _connection(self, url: str, deadline: float) -> Connection:
        """A kept connection that is still open, else a new one. Raises: ModelTimeoutError, ModelUnavailableError."""
        limit_s = min(CONNECT_TIMEOUT_S, remaining_s(deadline))
        while kept := self._take(url):
            if not kept.has_ended():
                return kept
            kept.close()  # the server has closed it meanwhile
        try:
            return Connection(url, limit_s)
        except (OSError, UnicodeError) as exc:  # the latter for a name that cannot be one
            raise ModelUnavailableError(UNAVAILABLE) from exc

    def _take(self, url: str) -> Connection | None:
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


class Translated:
    """Makes of what a connection raises what it means to the client; a generator would take twice the calls."""

    def __enter__(self) -> None:
        """Nothing."""

    def __exit__(self, _: object, failure: BaseException | None, __: object) -> None:
        """Raises: ModelTimeoutError, ModelUnavailableError."""
        if isinstance(failure, TimeoutError):
            raise ModelTimeoutError(TIMED_OUT) from failure
        if isinstance(failure, FAILURES):
            raise ModelUnavailableError(UNAVAILABLE) from failure


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
