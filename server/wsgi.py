"""The WSGI entry that uwsgi loads."""

import os
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import Any

from django.conf import settings
from django.core.cache import close_caches
from django.core.handlers.base import reset_urlconf
from django.core.signals import request_finished, request_started
from django.core.wsgi import get_wsgi_application
from django.db import close_old_connections, reset_queries

import afterwards
import process_metrics
from api.handler import API, ApiHandler
from Pm import serving
from Pm.images import remove_left_overs
from server.env import METRICS_FOLDER

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "server.settings")
serving.enter()
with suppress(ImportError):  # only a process of uwsgi has this module
    import uwsgi

    process_metrics.join(METRICS_FOLDER, uwsgi.worker_id())
    afterwards.start()
# Django looks after its connections at each request's start and again at its end; the end is enough. The others are for
# DEBUG's list of queries, for caches that are elsewhere, and for requests with URLs of their own.
request_started.disconnect(close_old_connections)
if not settings.DEBUG:
    request_started.disconnect(reset_queries)
request_finished.disconnect(close_caches)
request_finished.disconnect(reset_urlconf)
pages, api = get_wsgi_application(), ApiHandler()
remove_left_overs(settings.GATEWAY.media_root)  # of a worker that was killed, whose place this one may take


def application(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    """Answer one request."""
    handler = api if environ["PATH_INFO"].startswith(API) else pages
    return handler(environ, start_response)
