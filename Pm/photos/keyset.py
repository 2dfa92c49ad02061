"""Pages a list by id: newer or older than a row, never by counting and skipping rows.

Any filter may be set, and few columns have an index, since each index costs every request. So the search walks the
primary key from the page's edge in windows of WINDOW ids, and rests after SEARCH_S seconds: the page then shows what
was found, says how far it looked, and offers to look further. The database never reads more than one window at once.
"""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC
from typing import Any

from django.conf import settings
from django.core.exceptions import FieldDoesNotExist, FieldError, ValidationError
from django.db.models import DateTimeField, F, Max, Min, Model, QuerySet
from django.db.models.functions import Coalesce
from django.utils.timezone import is_naive, make_aware

WINDOW = 20_000
SEARCH_S = 1.0
MAX_ID = 2**63 - 1


@dataclass(frozen=True)
class Page:
    """Rows from the newest to the oldest; `newer` and `older` are the ids that the next pages begin after."""

    rows: list[Any]
    newer: int | None
    older: int | None
    rested_at: int | None  # the search rested here, and may go on


def walked(queryset: QuerySet[Any], **lookups: object) -> QuerySet[Any]:
    """Filter without the help of an index, as for walking the primary key.

    COALESCE(column, column) is the column, and no index is on it: SQLite, which keeps no statistics, would otherwise
    read half of the table through the index on model_version rather than one window through the primary key.
    Raises: what BAD_LOOKUP names.
    """
    for lookup, value in lookups.items():
        column, _, operator = lookup.partition("__")
        value = aware(queryset.model, column, value)
        alias = f"walked_{column}"
        queryset = queryset.alias(**{alias: Coalesce(F(column), F(column))})
        queryset = queryset.filter(**{f"{alias}__{operator or 'exact'}": value})
    return queryset


@dataclass(frozen=True)
class Edge:
    """Where a page begins: above an id, below one, or at the newest row."""

    newer: int | None = None
    older: int | None = None

    @classmethod
    def read(cls, text: str) -> "Edge":
        """`newer-12` or `older-12`, as in the query string; anything else is the first page."""
        side, _, number = text.partition("-")
        if not (number.isascii() and number.isdigit() and len(number) < len(str(MAX_ID))):
            return cls()
        return cls(newer=int(number)) if side == "newer" else cls(older=int(number)) if side == "older" else cls()


def aware(model: type[Model], column: str, value: object) -> object:
    """A time in UTC, where one without a zone, as somebody types it, is one of REPORT_TIME_ZONE; all else stays.

    Raises: FieldDoesNotExist, ValidationError, OverflowError.
    """
    column_field = model._meta.get_field(column)  # no aliases, no other tables
    if isinstance(column_field, DateTimeField) and isinstance(value, str):
        moment = column_field.to_python(value)
        moment = make_aware(moment, settings.GATEWAY.report_time_zone) if is_naive(moment) else moment
        return moment.astimezone(UTC)
    return value


def keyset_page(
    queryset: QuerySet[Any],
    *,
    size: int,
    edge: Edge,
    within: tuple[int, int] = (1, MAX_ID),
    window: int = WINDOW,
    is_indexed: bool = False,
) -> Page:
    """One page of `queryset`, in the order of ids, of those ids that are `within` both bounds.

    With `is_indexed`, an index finds the few rows that there are: they are sorted, and no primary key is walked.
    """
    upwards = edge.newer is not None
    low = max(within[0], (edge.newer or 0) + 1)
    high = min(within[1], MAX_ID if edge.older is None else edge.older - 1)
    rows: list[Any] = []
    rested_at = None
    deadline = time.monotonic() + SEARCH_S
    key = "walked_pk" if is_indexed else "pk"  # a column without an index tempts nobody to walk
    queryset = queryset.alias(walked_pk=Coalesce(F("pk"), F("pk"))).order_by(key if upwards else f"-{key}")
    ranges = [(low, high)] if is_indexed else windows(queryset.model, low, high, upwards=upwards, size=window)
    for start, end in ranges:
        part = queryset.filter(**{f"{key}__gte": start, f"{key}__lte": end})
        rows += part[: size + 1 - len(rows)]
        if len(rows) > size:
            break
        if not is_indexed and time.monotonic() > deadline:
            rested_at = end if upwards else start
            break
    return _page(rows, size=size, upwards=upwards, rested_at=rested_at, start=edge.newer if upwards else edge.older)


def _page(rows: list[Any], *, size: int, upwards: bool, rested_at: int | None, start: int | None) -> Page:
    is_more = len(rows) > size
    rows = rows[:size]
    edge = rows[-1].pk if is_more else rested_at
    if upwards:
        rows.reverse()
        # Who came from an older page can go back to it, also when nothing was found.
        return Page(rows, edge, rows[-1].pk if rows else (start or 0) + 1, rested_at)
    return Page(rows, None if start is None else (rows[0].pk if rows else start - 1), edge, rested_at)


def windows(model: type[Model], low: int, high: int, *, upwards: bool, size: int) -> Iterator[tuple[int, int]]:
    """Ranges of at most `size` ids from `low` to `high` that hold rows, the newest first, or upwards.

    Gaps, such as retention leaves, are stepped over: each range begins at a row.
    """
    inside = model._default_manager.filter(pk__gte=low, pk__lte=high).order_by("pk" if upwards else "-pk")
    while True:
        first = inside.values_list("pk", flat=True).first()
        if first is None:
            return
        start, end = (first, min(first + size - 1, high)) if upwards else (max(first - size + 1, low), first)
        yield start, end
        inside = inside.filter(pk__gt=end) if upwards else inside.filter(pk__lt=start)


def id_bounds(queryset: QuerySet[Any]) -> tuple[int, int] | None:
    """The lowest and the highest id of what an index finds, such as the records of a day; None when it finds none."""
    # Of a plain column PostgreSQL would seek the least one along the primary key, past all that came before.
    key = Coalesce(F("pk"), F("pk"))
    found = queryset.order_by().aggregate(low=Min(key), high=Max(key))
    return None if found["low"] is None else (found["low"], found["high"])


BAD_LOOKUP = (FieldDoesNotExist, FieldError, ValueError, TypeError, ValidationError, OverflowError)
