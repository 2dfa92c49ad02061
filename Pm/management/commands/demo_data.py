"""manage.py demo_data: fills the database with drawn photos for a tour, or takes them out again."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import Error as DatabaseError

from Pm.demo.plan import DAYS, PHOTOS
from Pm.demo.services import demo_fill, demo_remove, holds_real_records
from Pm.management.database import require_database

SAID_EVERY = 50


class Command(BaseCommand):
    help = f"Fill the database with {PHOTOS} drawn photos of the last {DAYS} days, labels and two model versions."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--remove", action="store_true", help="take out what an earlier run put in")
        parser.add_argument("--force", action="store_true", help="also beside real records")

    def handle(self, *_: object, remove: bool, force: bool, **__: Any) -> None:  # noqa: ANN401
        require_database()
        try:
            if remove:
                self.stdout.write(f"Removed {demo_remove()} records of the demonstration, their photos and labels.")
                return
            if holds_real_records() and not force:
                raise CommandError(
                    "This database holds records of real requests: the demonstration would stand in the report beside "
                    "them. Use another database, or --force (--remove takes out the demonstration only)."
                )
            photos = demo_fill(progress=self._progress)
        except (OSError, DatabaseError) as exc:
            raise CommandError(f"Stopped: {exc}. Run it again, or with --remove.") from exc
        self.stdout.write(f"Wrote {photos} photos of the last {DAYS} days; look at them in the admin.")
        self.stdout.write("next: manage.py demo_data --remove, before real photos are posted")

    def _progress(self, photos: int) -> None:
        if photos % SAID_EVERY == 0:
            self.stderr.write(f"{photos} of {PHOTOS} photos drawn")
