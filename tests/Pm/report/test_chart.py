"""Where the chart's bars and lines lie."""

import pytest

from Pm.report.chart import chart, round_up
from Pm.report.counts import Row, Tally


@pytest.mark.parametrize(
    ("count", "top"), [(0, 0), (1, 1), (2, 2), (3, 5), (5, 5), (6, 10), (11, 20), (999, 1000), (1001, 2000)]
)
def test_axis_ends_at_a_round_number(count: int, top: int) -> None:
    assert round_up(count) == top


def test_bars_stack_to_the_total_and_the_line_skips_empty_days() -> None:
    rows = [Row("a", {}, Tally(6, 4)), Row("b", {}, Tally()), Row("c", {}, Tally(0, 5))]
    drawn = chart(rows)
    assert drawn is not None
    first, empty, last = drawn.bars
    assert first.online_y == drawn.top
    assert round(first.offline_height + first.online_height, 2) == drawn.floor - drawn.top
    assert (empty.offline_height, empty.online_height) == (0, 0)
    assert round(last.online_y + last.online_height, 2) == drawn.floor
    assert len(drawn.line.split()) == 2
    assert last.x + last.width <= drawn.right


def test_nothing_is_drawn_of_nothing() -> None:
    assert chart([]) is None
    assert chart([Row("a", {}, Tally(refused=3))]) is None


def test_a_year_has_no_more_labels_than_fit() -> None:
    drawn = chart([Row(str(day), {}, Tally(1, 1)) for day in range(365)])
    assert drawn is not None
    assert len(drawn.days) <= 8
