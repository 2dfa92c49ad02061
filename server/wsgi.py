"""The WSGI entry that uwsgi loads."""

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "server.settings")
# libpq's default for connections: no SQL of a request takes longer, in milliseconds. Commands are not limited: a
# migration or a deletion of a year's records may well take minutes.
os.environ.setdefault("PGOPTIONS", "-c statement_timeout=5000")
application = get_wsgi_application()
