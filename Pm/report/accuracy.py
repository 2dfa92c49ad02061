"""How often the model is right on what clients really send, measured on the random sample that people labelled."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from django.db.models import Count, Q

from Pm.models import Photo, Prediction
from Pm.report.counts import FEW
from Pm.report.interval import Interval, wilson

OFFLINE, ONLINE = Prediction.Result.OFFLINE.value, Prediction.Result.ONLINE.value


@dataclass
class Score:
    """Right answers among labelled photos."""

    right: int = 0
    photos: int = 0

    @property
    def share(self) -> float | None:
        """0 to 1."""
        return self.right / self.photos if self.photos else None

    @property
    def interval(self) -> Interval | None:
        """Of the share in all photos that were posted."""
        return wilson(self.right, self.photos)

    @property
    def is_small(self) -> bool:
        """Whether there are too few photos to go by."""
        return self.photos < FEW


@dataclass
class VersionAccuracy:
    """One version's score on all sampled photos that it answered and people labelled, and on those of each class."""

    version: str
    all: Score = field(default_factory=Score)
    offline: Score = field(default_factory=Score)  # of the photos that people call offline
    online: Score = field(default_factory=Score)

    def add(self, label: str, result: str, photos: int) -> None:
        """Count photos of one label and one answer."""
        for score in (self.all, self.online if label == ONLINE else self.offline):
            score.photos += photos
            score.right += photos if label == result else 0


@dataclass(frozen=True)
class Accuracy:
    """Each version's, and all together; and the sampled photos that say nothing, by why."""

    versions: list[VersionAccuracy]
    total: VersionAccuracy
    waiting: int
    conflict: int
    skipped: int
    told: int  # labelled only by people who saw the model's answer first

    @property
    def sampled(self) -> int:
        """All photos of the sample."""
        return self.total.all.photos + self.waiting + self.conflict + self.skipped + self.told


def accuracy() -> Accuracy:
    """Measure it on all that was sampled so far.

    Only the random sample counts. Each request has had the same chance to be drawn, whatever was answered, so the plain
    share of right answers estimates that of all requests without weights: with equal probabilities the estimator of
    Horvitz and Thompson (Journal of the American Statistical Association 47 (1952), 663) is the sample's mean. Photos
    of the queue of uncertain ones are full of errors by design and would make every model look bad; they are left out.
    Two limits: the chance is that of its day, so where SAMPLE_PERCENT was changed, days with a higher one weigh more in
    the total; and a picture that was posted several times counts once.
    """
    sample = Photo.objects.filter(sample=True).order_by()
    rows = sample.exclude(blind_label="").values_list("model_version", "blind_label", "result")
    counted = sample.filter(blind_label="").aggregate(  # names that are no column's
        not_yet=Count("pk", Q(waiting=True)),
        disputed=Count("pk", Q(waiting=False, conflict=True)),
        skipped=Count("pk", Q(waiting=False, conflict=False, label="")),
        told=Count("pk", Q(waiting=False, conflict=False) & ~Q(label="")),
    )
    versions, total = by_version(rows.annotate(count=Count("*")))
    return Accuracy(
        versions=versions,
        total=total,
        waiting=counted["not_yet"],
        conflict=counted["disputed"],
        skipped=counted["skipped"],
        told=counted["told"],
    )


def by_version(rows: Iterable[tuple[str, str, str, int]]) -> tuple[list[VersionAccuracy], VersionAccuracy]:
    """Scores out of (version, label, result, photos)."""
    total = VersionAccuracy("")
    versions: dict[str, VersionAccuracy] = {}
    for version, label, result, photos in rows:
        versions.setdefault(version, VersionAccuracy(version)).add(label, result, photos)
        total.add(label, result, photos)
    return sorted(versions.values(), key=lambda one: one.version), total
