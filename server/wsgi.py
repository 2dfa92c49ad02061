"""The WSGI entry that uwsgi loads."""

import os
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import Any

from django.conf import settings
from django.core.wsgi import get_wsgi_application

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
pages, api = get_wsgi_application(), ApiHandler()
remove_left_overs(settings.GATEWAY.media_root)  # of a worker that was killed, whose place this one may take


def application(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    """Answer one request."""
    handler = api if environ["PATH_INFO"].startswith(API) else pages
    return handler(environ, start_response)
