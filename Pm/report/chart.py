"""The report's chart as numbers: where each bar, the line of the share and the ticks of an SVG drawing lie."""

from collections.abc import Iterable
from dataclasses import dataclass
from math import ceil, floor, log10

from Pm.report.counts import Row

# Of the drawing, in its own units; the template draws the axes in the margins.
WIDTH, HEIGHT = 960, 300
LEFT, RIGHT, TOP, BOTTOM = 56, 48, 28, 32
MAX_LABELS = 8


@dataclass(frozen=True)
class Bar:
    """One day: online stands on offline."""

    row: Row
    x: float
    width: float
    offline_y: float
    offline_height: float
    online_y: float
    online_height: float

    @property
    def middle(self) -> float:
        """Where its mark stands."""
        return round(self.x + self.width / 2, 2)


@dataclass(frozen=True)
class Tick:
    """A label of an axis, and where."""

    at: float
    text: str


@dataclass(frozen=True)
class Chart:
    """What the template draws."""

    bars: list[Bar]
    line: str  # points of the share's polyline
    dots: list[Tick]
    counts: list[Tick]
    shares: list[Tick]
    days: list[Tick]
    width: int = WIDTH
    height: int = HEIGHT
    left: int = LEFT
    right: int = WIDTH - RIGHT
    top: int = TOP
    floor: int = HEIGHT - BOTTOM


def chart(rows: list[Row]) -> Chart | None:
    """Stacked bars of the counts, a line of the share of online; nothing for no photos."""
    top = round_up(max((row.tally.total for row in rows), default=0))
    if not top:
        return None
    step = (WIDTH - LEFT - RIGHT) / len(rows)
    bars = [_bar(row, LEFT + number * step, step, top) for number, row in enumerate(rows)]
    dots = [Tick(bar.middle, str(_y(bar.row.tally.share))) for bar in bars if bar.row.tally.share is not None]
    every = ceil(len(rows) / MAX_LABELS)
    return Chart(
        bars=bars,
        line=" ".join(f"{dot.at},{dot.text}" for dot in dots),
        dots=dots,
        counts=[Tick(_y(part), f"{top * part:g}") for part in _parts(top)],
        shares=[Tick(_y(part), f"{part:.0%}") for part in (0, 0.5, 1)],
        days=[Tick(bar.middle, bar.row.name) for bar in bars[::every]],
    )


def round_up(count: int) -> int:
    """The next number of the form 1, 2 or 5 times a power of ten: the top of an axis; 0 of 0."""
    if count <= 0:
        return 0
    power = 10 ** floor(log10(count))
    return int(next(power * factor for factor in (1, 2, 5, 10) if power * factor >= count))


def _parts(top: int) -> Iterable[float]:
    return (0, 1) if top % 2 else (0, 0.5, 1)  # half a photo is none


def _y(share: float) -> float:
    return round(HEIGHT - BOTTOM - share * (HEIGHT - TOP - BOTTOM), 2)


def _bar(row: Row, x: float, step: float, top: int) -> Bar:
    offline, total = _y(row.tally.offline / top), _y(row.tally.total / top)
    return Bar(
        row=row,
        x=round(x + step * 0.1, 2),
        width=round(step * 0.8, 2),
        offline_y=offline,
        offline_height=round(_y(0) - offline, 2),
        online_y=total,
        online_height=round(offline - total, 2),
    )
