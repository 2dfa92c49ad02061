"""Reads: how much is left to label, who labelled how much, where labellers disagree."""

from dataclasses import dataclass
from typing import Any

from django.contrib.auth.models import User
from django.db.models import Count, Exists, OuterRef, QuerySet

from Pm.models import Label, Photo
from Pm.report.day import midnight

MAX_COUNTED = 10_000  # nobody needs to know whether twelve or thirteen thousand are left
SHOWN = 100


@dataclass(frozen=True)
class Waiting:
    """How many photos of a queue wait for somebody; `is_more` when there are more than were counted."""

    queue: str
    photos: int
    is_more: bool

    def __str__(self) -> str:
        return f"{self.photos}{'+' if self.is_more else ''}"


def waiting(user: User | None = None) -> list[Waiting]:
    """One for each queue, of what this user may label; reads no more than indexes."""
    said = Label.objects.filter(photo=OuterRef("pk"), by=user, undone_at=None)
    found = []
    for queue in Photo.Queue.values:
        photos = Photo.objects.filter(queue=queue, waiting=True).order_by()
        count = (photos.filter(~Exists(said)) if user else photos)[: MAX_COUNTED + 1].count()
        found.append(Waiting(queue, min(count, MAX_COUNTED), count > MAX_COUNTED))
    return found


def first_queue(user: User) -> str:
    """The queue that has work for a person, the random sample first: what is measured on it is late otherwise."""
    return next((row.queue for row in waiting(user) if row.photos), "uncertain")


def labelled_today(user: User) -> int:
    """How many photos a person labelled since midnight in REPORT_TIME_ZONE."""
    return Label.objects.filter(by=user, undone_at=None, created_at__gte=midnight()).order_by().count()


def can_undo(user: User) -> bool:
    """Whether there is an answer to take back."""
    return Label.objects.filter(by=user, undone_at=None, blind=True).order_by().exists()


def labellers() -> list[dict[str, Any]]:
    """Who labelled how many photos, and of how many they could not tell."""
    rows = Label.objects.filter(undone_at=None).order_by().values("by__username", "answer").annotate(count=Count("pk"))
    people: dict[str, dict[str, Any]] = {}
    for row in rows:
        name = row["by__username"] or ""
        people.setdefault(name, {"name": name, **dict.fromkeys(Label.Answer.values, 0)})[row["answer"]] = row["count"]
    return sorted(people.values(), key=lambda person: person["name"])


def conflicts() -> QuerySet[Photo]:
    """Photos of which as many say one as say the other, the newest first."""
    return Photo.objects.filter(conflict=True)[:SHOWN]
