#!/usr/bin/env python
"""The gateway's command line: migrate, check, prune_predictions, create_api_key and Django's own commands."""

import os
import sys

from django.core.exceptions import ImproperlyConfigured


def main() -> None:
    """Run one command; settings that cannot be used end it with a sentence, not a traceback."""
    os.umask(0o077)  # as in supervisord.conf: what a command makes, the database above all, is for this user only
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "server.settings")
    if not {"migrate", "makemigrations"} & set(sys.argv[1:2]):
        os.environ["PM_SQLITE_MODE"] = "rw"  # server/sqlite: it makes no database
    from django.conf import settings
    from django.core.management import execute_from_command_line
    from django.db import OperationalError

    try:
        _ = settings.INSTALLED_APPS  # the first look at a setting loads them all
    except ImproperlyConfigured as exc:
        sys.exit(str(exc))
    try:
        execute_from_command_line(sys.argv)
    except OperationalError as exc:
        sys.exit(f"The database cannot be used: {exc}.")


if __name__ == "__main__":
    main()
