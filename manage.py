#!/usr/bin/env python
"""The gateway's command line: migrate, check, prune_predictions, create_api_key and Django's own commands."""

import os
import sys

from django.core.exceptions import ImproperlyConfigured


def main() -> None:
    """Run one command; settings that cannot be used end it with a sentence, not a traceback."""
    os.umask(0o077)  # as in supervisord.conf: what a command makes, the database above all, is for this user only
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "server.settings")
    from django.conf import settings
    from django.core.management import execute_from_command_line

    try:
        _ = settings.INSTALLED_APPS  # the first look at a setting loads them all
    except ImproperlyConfigured as exc:
        sys.exit(str(exc))
    execute_from_command_line(sys.argv)


if __name__ == "__main__":
    main()
