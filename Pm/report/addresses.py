"""Addresses of the report that differ from the present one in a part."""

from typing import NamedTuple

from django.http import QueryDict
from django.utils.functional import Promise

from Pm.report.listing import KEYS
from Pm.report.periods import PRESETS


class PresetLink(NamedTuple):
    """A preset of the days."""

    label: Promise
    url: str
    is_current: bool


class SortLink(NamedTuple):
    """A column's head: a click sorts by it, a second one the other way round."""

    url: str
    direction: str  # aria-sort: ascending, descending or none


def address(query: QueryDict, **changes: object) -> str:
    """The query string with some parameters changed; None takes one away."""
    changed = query.copy()
    for name, value in changes.items():
        if value is None:
            changed.pop(name, None)
        else:
            changed[name] = str(value)
    return f"?{changed.urlencode()}"


def preset_links(query: QueryDict, current: str) -> list[PresetLink]:
    """A link for each preset; it forgets days of the user's own, and the page."""
    return [
        PresetLink(label, address(query, period=key, first=None, last=None, page=None), key == current)
        for key, (label, _days) in PRESETS.items()
    ]


def sort_links(query: QueryDict, current: str) -> dict[str, SortLink]:
    """A link for each column: names begin with the first letter, numbers with the largest."""
    return {key: _sort_link(query, key, current) for key in KEYS}


def _sort_link(query: QueryDict, key: str, current: str) -> SortLink:
    first, second = (key, f"-{key}") if key == "name" else (f"-{key}", key)
    direction = {key: "ascending", f"-{key}": "descending"}.get(current, "none")
    return SortLink(f"{address(query, sort=second if current == first else first, page=None)}#institutions", direction)
