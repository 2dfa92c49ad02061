"""The institutions' table: sorted as asked for, and divided into pages."""

from collections.abc import Callable
from dataclasses import dataclass

from Pm.report.counts import Row

PER_PAGE = 50
ALL = "all"
DEFAULT_SORT = "-total"
KEYS: dict[str, Callable[[Row], tuple[object, ...]]] = {
    "name": lambda row: (row.name,),
    "total": lambda row: (row.tally.total, row.name),
    "offline": lambda row: (row.tally.offline, row.name),
    "online": lambda row: (row.tally.online, row.name),
    "share": lambda row: (row.tally.share or 0, row.name),
}


@dataclass(frozen=True)
class Listing:
    """One page, or all of them."""

    rows: list[Row]
    sort: str
    page: int  # from 1; 0 is all
    pages: int
    total: int

    @property
    def previous(self) -> int:
        """The page before, or 0."""
        return max(0, self.page - 1)

    @property
    def next(self) -> int:
        """The page after, or 0."""
        return self.page + 1 if 0 < self.page < self.pages else 0


def listing(rows: list[Row], sort: str, page: str) -> Listing:
    """The rows in the order of `sort` (a key, "-" before it for descending); what is no key or no page is the first."""
    key = sort.removeprefix("-")
    if key not in KEYS:
        sort, key = DEFAULT_SORT, DEFAULT_SORT[1:]
    ordered = sorted(rows, key=KEYS[key], reverse=sort.startswith("-"))
    pages = max(1, -(-len(rows) // PER_PAGE))
    if page == ALL:
        return Listing(ordered, sort, 0, pages, len(rows))
    number = min(int(page[:6]), pages) if page.isascii() and page.isdigit() and int(page[:6]) else 1
    return Listing(ordered[(number - 1) * PER_PAGE : number * PER_PAGE], sort, number, pages, len(rows))
