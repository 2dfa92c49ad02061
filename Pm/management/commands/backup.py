"""manage.py backup: copies database, pictures, models and secret key to a folder while Pm serves."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from Pm.backup import BackupError, back_up
from Pm.management.database import require_database


class Command(BaseCommand):
    help = "Copy the database, the pictures, the models and the secret key to a folder; Pm may serve meanwhile."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("folder", type=Path, help="made when absent; an earlier backup in it is brought up to date")

    def handle(self, *_: object, folder: Path, **__: Any) -> None:  # noqa: ANN401
        require_database()
        try:
            back_up(folder, self.stdout.write)
        except (BackupError, OSError) as exc:
            raise CommandError(f"{exc} What {folder} had before is still there.") from exc
