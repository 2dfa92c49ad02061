"""The date presets of the report: which days each means, seen from today."""

from collections.abc import Callable
from datetime import date, timedelta
from typing import NamedTuple

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

FIRST_YEAR, LAST_YEAR = 2000, 2099  # as captured_at
# Schools in China begin their terms around the first of September and of February or March; the holidays before a term
# are counted to the one that ends.
AUTUMN, SPRING = (9, 1), (2, 1)


class Days(NamedTuple):
    """From the one to the other, both included; None has no end on that side."""

    first: date | None
    last: date | None


def _this_month(today: date) -> Days:
    return Days(today.replace(day=1), today)


def _last_month(today: date) -> Days:
    last = today.replace(day=1) - timedelta(days=1)
    return Days(last.replace(day=1), last)


def _this_term(today: date) -> Days:
    starts = (date(year, *start) for year in (today.year, today.year - 1) for start in (AUTUMN, SPRING))
    return Days(next(start for start in starts if start <= today), today)


def _last(days: int) -> Callable[[date], Days]:
    return lambda today: Days(today - timedelta(days=days - 1), today)


DEFAULT = "30-days"
PRESETS: dict[str, tuple[Promise, Callable[[date], Days]]] = {
    "today": (_("Today"), _last(1)),
    "7-days": (_("Last 7 days"), _last(7)),
    DEFAULT: (_("Last 30 days"), _last(30)),
    "this-month": (_("This month"), _this_month),
    "last-month": (_("Last month"), _last_month),
    "this-term": (_("This term"), _this_term),
    "all": (_("All"), lambda _today: Days(None, None)),
}
