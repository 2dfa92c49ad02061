"""The WSGI entry that uwsgi loads."""

import os
from contextlib import suppress

from django.conf import settings
from django.core.wsgi import get_wsgi_application

import afterwards
import process_metrics
from Pm import serving
from Pm.images import remove_left_overs
from server.env import METRICS_FOLDER

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "server.settings")
serving.enter()
with suppress(ImportError):  # only a process of uwsgi has this module
    import uwsgi

    process_metrics.join(METRICS_FOLDER, uwsgi.worker_id())
    afterwards.start()
application = get_wsgi_application()
remove_left_overs(settings.GATEWAY.media_root)  # of a worker that was killed, whose place this one may take
