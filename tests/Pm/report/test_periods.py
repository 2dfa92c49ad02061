"""The presets' days."""

from datetime import date

import pytest

from Pm.report.periods import PRESETS


@pytest.mark.parametrize(
    ("preset", "today", "first", "last"),
    [
        ("today", "2026-11-20", "2026-11-20", "2026-11-20"),
        ("7-days", "2026-11-20", "2026-11-14", "2026-11-20"),
        ("30-days", "2026-11-20", "2026-10-22", "2026-11-20"),
        ("this-month", "2026-11-20", "2026-11-01", "2026-11-20"),
        ("last-month", "2026-01-05", "2025-12-01", "2025-12-31"),
        ("last-month", "2028-03-31", "2028-02-01", "2028-02-29"),
        ("this-term", "2026-11-20", "2026-09-01", "2026-11-20"),
        ("this-term", "2026-09-01", "2026-09-01", "2026-09-01"),
        ("this-term", "2027-01-31", "2026-09-01", "2027-01-31"),
        ("this-term", "2027-02-01", "2027-02-01", "2027-02-01"),
        ("this-term", "2027-08-31", "2027-02-01", "2027-08-31"),
    ],
)
def test_preset_means_these_days(preset: str, today: str, first: str, last: str) -> None:
    assert PRESETS[preset][1](date.fromisoformat(today)) == (date.fromisoformat(first), date.fromisoformat(last))


def test_all_has_no_ends() -> None:
    assert PRESETS["all"][1](date(2026, 11, 20)) == (None, None)
