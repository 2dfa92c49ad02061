"""Reads: the report's counts, out of the index report_counts alone."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.db.models import Count
from django.utils import timezone

from Pm.models import Prediction
from Pm.report.counts import Row
from Pm.report.filters import Conditions, Filters

MAX_DAYS = 370  # more are shown by month


@dataclass(frozen=True)
class Report:
    """Everything that the page shows of the records, and when it was read."""

    filters: Filters
    as_of: datetime
    total: Row
    by_month: bool
    days: list[Row]
    regions: list[Row]
    institutions: list[Row]
    versions: list[Row]
    has_unfilled: bool  # records from before the report, which fill_report_fields adds


def report(filters: Filters) -> Report:
    """Count the records that the filters name. Raises: django.db.Error, also when it takes too long."""
    counts = Prediction.objects.filter(**filters.conditions).order_by()
    # Two passes: the first follows the index's order, the second sorts groups. One pass by all five columns gives
    # hundreds of thousands of groups, which cost Python more than both cost the database.
    by_day = list(counts.values_list("day", "model_version", "result").annotate(count=Count("*")))
    by_place = counts.values_list("region", "institution", "result").annotate(count=Count("*"))
    total = Row("", filters.conditions)
    versions: dict[str, Row] = {}
    for _day, version, result, count in by_day:
        total.tally.add(result, count)
        if result:
            _row(versions, filters, "model_version", version).tally.add(result, count)
    regions: dict[str, Row] = {}
    institutions: dict[str, Row] = {}
    for region, institution, result, count in by_place:
        if result:
            _row(regions, filters, "region", region).tally.add(result, count)
            _row(institutions, filters, "institution", institution).tally.add(result, count)
    days = {day for day, *_ in by_day}
    by_month = bool(days) and (max(days) - min(days)).days >= MAX_DAYS
    return Report(
        filters=filters,
        as_of=timezone.now(),
        total=total,
        by_month=by_month,
        days=_days(filters, by_day, by_month=by_month),
        regions=_largest_first(regions),
        institutions=_largest_first(institutions),
        versions=sorted(versions.values(), key=lambda row: row.name),
        has_unfilled=Prediction.objects.filter(day=None).order_by().exists(),
    )


def _row(rows: dict[str, Row], filters: Filters, column: str, value: str) -> Row:
    if value not in rows:  # the admin's list takes "exactly nothing" for no filter, but not "one of: nothing"
        rows[value] = Row(value, filters.conditions | {f"{column}__{'exact' if value else 'in'}": value})
    return rows[value]


def _largest_first(rows: dict[str, Row]) -> list[Row]:
    return sorted(rows.values(), key=lambda row: (-row.tally.total, row.name))


def _days(filters: Filters, counts: list[tuple[date, str, str, int]], *, by_month: bool) -> list[Row]:
    """A row for each day, or month, from the first photo to the last, empty ones too."""
    if not counts:
        return []
    rows: dict[date, Row] = {}
    first, last = min(day for day, *_ in counts), max(day for day, *_ in counts)
    for number in range((last - first).days + 1):
        day = first + timedelta(days=number)
        start, end = (day.replace(day=1), _month_end(day)) if by_month else (day, day)
        if start not in rows:
            rows[start] = Row(start.isoformat()[:7] if by_month else start.isoformat(), _within(filters, start, end))
    answered: dict[date, set[str]] = {}
    for day, version, result, count in counts:
        start = day.replace(day=1) if by_month else day
        rows[start].tally.add(result, count)
        if result:
            answered.setdefault(start, set()).add(version)
    _mark_new_versions(rows, answered)
    return list(rows.values())


def _within(filters: Filters, start: date, end: date) -> Conditions:
    """The filters' conditions with days inside of theirs: half of a month may be asked for."""
    asked = filters.conditions
    return asked | {"day__gte": max(asked["day__gte"], str(start)), "day__lte": min(asked["day__lte"], str(end))}


def _month_end(day: date) -> date:
    return (day.replace(day=28) + timedelta(days=4)).replace(day=1) - timedelta(days=1)


def _mark_new_versions(rows: dict[date, Row], answered: dict[date, set[str]]) -> None:
    before: set[str] | None = None
    for day in sorted(answered):
        rows[day].new_versions = sorted(answered[day] - before) if before is not None else []
        before = answered[day]
