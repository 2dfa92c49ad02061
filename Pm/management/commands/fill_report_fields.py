"""manage.py fill_report_fields: old records get a day, an institution and a region, so that the report counts them."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import Error as DatabaseError

from Pm.management.database import require_database
from Pm.report.fill import fill_report_fields


class Command(BaseCommand):
    help = "Fill day, institution and region of records that were made before the report was; requests go on meanwhile."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--all",
            action="store_true",
            help="look at every record again: after another REPORT_TIME_ZONE, or with more cities in the table",
        )

    def handle(self, *_: object, all: bool, **__: Any) -> None:  # noqa: A002, ANN401 - the option's name
        require_database()
        try:
            changed = fill_report_fields(everything=all, progress=self._progress)
        except DatabaseError as exc:
            raise CommandError(f"Stopped: {exc}. What was filled stays filled; run it again to go on.") from exc
        self.stdout.write(f"Filled {changed} records.")

    def _progress(self, done: int, last: int) -> None:
        self.stderr.write(f"{done} of {last} records ({100 * done // last} %)")
