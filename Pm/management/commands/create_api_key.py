"""manage.py create_api_key: makes a client's key and shows it once."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from rest_framework_api_key.models import APIKey

from Pm.management.database import require_database

MAX_NAME_CHARACTERS = 50


class Command(BaseCommand):
    help = "Make an API key for a client and print it; it is kept as a hash only, so this is the one time to copy it."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("name", help="the client's name, shown in records and logs")

    def handle(self, *_: object, name: str, **__: Any) -> None:  # noqa: ANN401
        if not (name.strip() and len(name) <= MAX_NAME_CHARACTERS and name.isprintable()):
            raise CommandError(f"A key's name has 1 to {MAX_NAME_CHARACTERS} printable characters.")
        require_database()
        _record, key = APIKey.objects.create_key(name=name)
        self.stderr.write(f"The key of {name}, shown this once; send it as 'Authorization: Api-Key <key>':")
        self.stdout.write(key)
