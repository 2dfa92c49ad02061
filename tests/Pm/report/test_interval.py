"""Wilson's interval, against published numbers."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from Pm.report.interval import wilson


@pytest.mark.parametrize(
    ("hits", "total", "low", "high"),
    [
        (81, 263, 0.2553, 0.3662),  # Newcombe, Statistics in Medicine 17 (1998), 857, table I, method 3
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0, 0.1611),
        (1, 29, 0.0061, 0.1718),
    ],
)
def test_interval_is_the_published_one(hits: int, total: int, low: float, high: float) -> None:
    found = wilson(hits, total)
    assert found is not None
    assert (round(found.low, 4), round(found.high, 4)) == (low, high)


def test_nothing_has_no_interval() -> None:
    assert wilson(0, 0) is None


@given(total=st.integers(1, 10**7), data=st.data())
def test_interval_holds_the_share_and_stays_within_0_and_1(total: int, data: st.DataObject) -> None:
    hits = data.draw(st.integers(0, total))
    found = wilson(hits, total)
    assert found is not None
    assert 0 <= found.low <= hits / total + 1e-12
    assert hits / total - 1e-12 <= found.high <= 1
