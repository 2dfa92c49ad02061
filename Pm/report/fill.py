"""Fills the report's columns of old records: the day, and institution and region as far as the image_id tells."""

from collections.abc import Callable
from datetime import date
from typing import NamedTuple

from django.db import connection, transaction

from Pm.models import Prediction
from Pm.report.day import report_day
from Pm.report.image_id import place_of

BATCH = 2_000  # short transactions: requests are recorded between them
_READ = ("image_id", "institution", "region", "captured_at", "created_at", "day")
Progress = Callable[[int, int], None]  # records done, records in all at most


class Filled(NamedTuple):
    """What a record gets."""

    institution: str
    region: str
    day: date
    pk: int


def fill_report_fields(*, everything: bool, progress: Progress) -> int:
    """Fill records without a day, or every record (another REPORT_TIME_ZONE, more cities); how many were changed.

    What a client sent stays. Begun again after an interruption it goes on: what is filled is not touched.
    Raises: django.db.Error.
    """
    changed, done = 0, 0
    last = Prediction.objects.order_by("-pk").values_list("pk", flat=True).first() or 0
    while done < last:
        # By id alone: WHERE day IS NULL would have the database sort all that is left for each batch.
        rows = list(Prediction.objects.filter(pk__gt=done, pk__lte=last).order_by("pk").only(*_READ)[:BATCH])
        filled = [found for row in rows if (everything or not row.day) and (found := _filled(row))]
        _write(filled)
        changed += len(filled)
        done = rows[-1].pk
        progress(done, last)
    return changed


def _filled(row: Prediction) -> Filled | None:
    """The record's columns as they should be; nothing where they are."""
    institution, region = place_of(row.image_id, institution=row.institution, region=row.region)
    day = report_day(row.captured_at or row.created_at)
    if (institution, region, day) == (row.institution, row.region, row.day):
        return None
    return Filled(institution, region, day, row.pk)


def _write(rows: list[Filled]) -> None:
    """One prepared statement for all of them: bulk_update would write a CASE of thousands of branches."""
    if not rows:
        return
    table = connection.ops.quote_name(Prediction._meta.db_table)
    sql = f"UPDATE {table} SET institution = %s, region = %s, day = %s WHERE id = %s"  # noqa: S608 - a constant name
    adapt = connection.ops.adapt_datefield_value
    values = [(row.institution, row.region, adapt(row.day), row.pk) for row in rows]
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.executemany(sql, values)
