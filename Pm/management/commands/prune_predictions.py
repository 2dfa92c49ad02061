"""manage.py prune_predictions: deletes records and pictures by age, and says what it deleted."""

from argparse import ArgumentParser
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.db import Error as DatabaseError
from django.utils import timezone

from Pm.access.services import access_prune
from Pm.management.database import require_database
from Pm.management.options import whole_number
from Pm.retention import predictions_prune

MAX_DAYS = 36_500


class Command(BaseCommand):
    help = "Delete records older than N days, and kept images that no remaining record refers to."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--older-than-days", required=True, metavar="N", help=f"1 to {MAX_DAYS}")
        parser.add_argument("--dry-run", action="store_true", help="count only, delete nothing")

    def handle(self, *_: object, older_than_days: str, dry_run: bool, **__: Any) -> None:  # noqa: ANN401
        before = timezone.now() - timedelta(days=whole_number("--older-than-days", older_than_days, 1, MAX_DAYS))
        require_database()
        try:
            report = predictions_prune(
                before=before, media_root=settings.GATEWAY.media_root, dry_run=dry_run, progress=self._progress
            )
        except (OSError, DatabaseError) as exc:
            raise CommandError(f"Stopped: {exc}. What was deleted stays deleted; run it again to go on.") from exc
        if not dry_run:
            access_prune()
        verb = "Would delete" if dry_run else "Deleted"
        self.stdout.write(
            f"{verb} {report.records} records and {report.images} images ({report.image_bytes} bytes) "
            f"older than {before:%Y-%m-%d %H:%M} UTC."
        )

    def _progress(self, text: str) -> None:
        self.stderr.write(f"{text} so far")
