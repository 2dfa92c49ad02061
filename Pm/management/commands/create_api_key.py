"""manage.py create_api_key: makes a client's key and shows it once."""

from argparse import ArgumentParser
from datetime import timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from Pm.clients.services import MAX_PER_MINUTE, api_key_create, name_problem
from Pm.management.database import require_database
from Pm.management.options import whole_number
from Pm.models import Scope

MAX_DAYS = 3650


class Command(BaseCommand):
    help = "Make an API key for a client and print it; it is kept as a hash only, so this is the one time to copy it."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("name", help="the client's name, shown in records and logs")
        parser.add_argument(
            "--scope", action="append", metavar="SCOPE", help=f"{', '.join(Scope.values)}; may be given more than once"
        )
        parser.add_argument("--requests-per-minute", default="0", metavar="N", help="more: 429; 0: no limit")
        parser.add_argument("--expires-in-days", metavar="N", help=f"1 to {MAX_DAYS}; default: never")

    def handle(
        self,
        *_: object,
        name: str,
        scope: list[str] | None,
        requests_per_minute: str,
        expires_in_days: str | None,
        **__: Any,  # noqa: ANN401
    ) -> None:
        if problem := name_problem(name):
            raise CommandError(problem)
        if unknown := set(scope or ()) - set(Scope.values):
            raise CommandError(f"--scope must be one of {', '.join(Scope.values)}, not {', '.join(sorted(unknown))}.")
        limit = whole_number("--requests-per-minute", requests_per_minute, 0, MAX_PER_MINUTE)
        days = expires_in_days and whole_number("--expires-in-days", expires_in_days, 1, MAX_DAYS)
        require_database()
        expires = timezone.now() + timedelta(days=days) if days else None
        _record, key = api_key_create(name=name, scopes=scope, requests_per_minute=limit, expires=expires)
        self.stderr.write(f"The key of {name}, shown this once; send it as 'Authorization: Api-Key <key>':")
        self.stdout.write(key)
