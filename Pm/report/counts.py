"""Counted photos: online and offline, their share, and the same for a day, a region, an institution, a version."""

from dataclasses import dataclass, field

from Pm.models import Prediction
from Pm.report.filters import Conditions, photos_url
from Pm.report.interval import Interval, wilson

FEW = 30  # below, an interval is wider than ±18 points in the middle of the scale, and the share says little


@dataclass
class Tally:
    """How many photos were answered how, and how many were refused."""

    offline: int = 0
    online: int = 0
    refused: int = 0

    def add(self, result: str, count: int) -> None:
        """Count so many records of one result; of a refused request it is empty."""
        name = result or "refused"
        setattr(self, name, getattr(self, name) + count)

    @property
    def total(self) -> int:
        """The photos that were answered."""
        return self.offline + self.online

    @property
    def share(self) -> float | None:
        """Of online, 0 to 1."""
        return self.online / self.total if self.total else None

    @property
    def interval(self) -> Interval | None:
        """Of the share: what other photos of the same institutions would give."""
        return wilson(self.online, self.total)

    @property
    def is_small(self) -> bool:
        """Whether the share says little."""
        return 0 < self.total < FEW


@dataclass
class Row:
    """One line of a table, and the conditions under which its photos are found."""

    name: str
    conditions: Conditions
    tally: Tally = field(default_factory=Tally)
    new_versions: list[str] = field(default_factory=list)  # of a day: those that did not answer the day before

    @property
    def answered_url(self) -> str:
        """Its answered photos."""
        return photos_url(self.conditions | {"result__gt": ""})

    @property
    def offline_url(self) -> str:
        """Its offline photos."""
        return photos_url(self.conditions | {"result__exact": Prediction.Result.OFFLINE.value})

    @property
    def online_url(self) -> str:
        """Its online photos."""
        return photos_url(self.conditions | {"result__exact": Prediction.Result.ONLINE.value})

    @property
    def refused_url(self) -> str:
        """Its refused requests."""
        return photos_url(self.conditions | {"result__exact": "refused"})
