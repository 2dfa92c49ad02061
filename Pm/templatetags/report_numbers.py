"""How the report writes numbers, the same in every language: Django's Chinese format groups digits by four."""

from django import template

from Pm.report.interval import Interval

register = template.Library()
NOTHING = "–"


@register.filter
def count(number: int) -> str:
    """1,234,567."""
    return f"{number:,}"


@register.filter
def percent(share: float | None) -> str:
    """12.3 %; a dash for nothing."""
    return NOTHING if share is None else f"{100 * share:.1f} %"


@register.filter
def span(interval: Interval | None) -> str:
    """10.1–15.2 %; a dash for nothing."""
    return NOTHING if interval is None else f"{100 * interval.low:.1f}–{100 * interval.high:.1f} %"
