"""How far a share of a sample may lie from the truth."""

from math import sqrt
from typing import NamedTuple

Z = 1.959964  # of the normal distribution, two-sided 95 %


class Interval(NamedTuple):
    """Both ends of a share, 0 to 1."""

    low: float
    high: float


def wilson(hits: int, total: int) -> Interval | None:
    """The 95 % score interval of a proportion; nothing of nothing.

    Wilson, Journal of the American Statistical Association 22 (1927), 209; it keeps its promise for few photos and for
    shares near 0 and 1, where p ± 1.96 √(pq/n) does not (Brown, Cai, DasGupta, Statistical Science 16 (2001), 101).
    """
    if not total:
        return None
    share = hits / total
    middle = (share + Z * Z / (2 * total)) / (1 + Z * Z / total)
    half = Z / (1 + Z * Z / total) * sqrt(share * (1 - share) / total + Z * Z / (4 * total * total))
    return Interval(max(0.0, middle - half), min(1.0, middle + half))
