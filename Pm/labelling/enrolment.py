"""Puts posted photos into the labelling queue: those drawn at random, and those of which the model was unsure.

Nothing of it happens while a request waits for its answer: the queue looks for what is new when somebody opens it.
"""

import time

from django.conf import settings
from django.db import transaction
from django.db.models import Q

from Pm.images import find_image
from Pm.labelling.draw import is_drawn
from Pm.models import EnrolledUntil, Photo, Prediction
from Pm.models.prediction import UNCERTAIN_BELOW

BATCH = 1000
ENROL_S = 1.0  # how long somebody waits for it at most, before a photo is shown
# Ids are given before the record can be seen: one that is lower than the last seen may still appear, for as long as a
# request takes. So many ids are looked at again; a photo enters once only.
LOOKED_AT_AGAIN = 1000
REASONS = {"sample": Q(sampled=True), "uncertain": Q(score__lt=UNCERTAIN_BELOW)}  # each has its partial index


def photos_enrol() -> int:
    """Let in what was posted since the last time, for about ENROL_S. Returns: records looked at.

    The least sure are labelled first once all are in; what a longer backlog leaves over, the next calls let in.
    """
    until = time.monotonic() + ENROL_S
    return sum(_catch_up(reason, until) for reason in REASONS)


def _catch_up(reason: str, until: float) -> int:
    """At least one batch."""
    looked_at = batch = _enrol(reason)
    while batch == BATCH and time.monotonic() < until:
        batch = _enrol(reason)
        looked_at += batch
    return looked_at


def _enrol(reason: str) -> int:
    """One batch; two who do the same at once do no harm, so that the write lock is held for no reading of files."""
    seen = EnrolledUntil.objects.filter(reason=reason).values_list("prediction_id", flat=True).first() or 0
    new = Prediction.objects.filter(REASONS[reason]).order_by("id")
    again = list(new.filter(id__gt=seen - LOOKED_AT_AGAIN, id__lte=seen)[:BATCH])
    rows = list(new.filter(id__gt=seen)[:BATCH])
    photos = _not_yet_in([row for row in again + rows if row.result], is_sample=reason == "sample")
    if photos or rows:
        _let_in(photos, reason, rows[-1].pk if rows else seen)
    return len(rows)


def _not_yet_in(rows: list[Prediction], *, is_sample: bool) -> dict[str, Photo]:
    """Hash → photo of the first of its records, where its picture is kept and it was not let in for this reason."""
    known = Photo.objects.filter(content_sha256__in={row.content_sha256 for row in rows})
    known = known.filter(sample=True) if is_sample else known
    there = set(known.values_list("content_sha256", flat=True))
    new = [row for row in reversed(rows) if row.content_sha256 not in there]
    return {row.content_sha256: photo_of(row, is_sample=is_sample) for row in new if kept(row)}


@transaction.atomic
def _let_in(photos: dict[str, Photo], reason: str, seen: int) -> None:
    Photo.objects.bulk_create(photos.values(), ignore_conflicts=True)
    if reason == "sample":  # what is in for another reason joins it, with the answer of the request that was drawn
        others = Photo.objects.filter(content_sha256__in=photos, sample=False)
        for sha256 in list(others.values_list("content_sha256", flat=True)):
            photo_join_sample(photos[sha256])
    EnrolledUntil.objects.get_or_create(reason=reason)
    EnrolledUntil.objects.filter(reason=reason, prediction_id__lt=seen).update(prediction_id=seen)


def photo_join_sample(drawn: Photo) -> None:
    """Have the photo of the same bytes belong to the sample; its first draw counts."""
    Photo.objects.filter(content_sha256=drawn.content_sha256, sample=False).update(
        sample=True,
        queue=drawn.queue,
        result=drawn.result,
        score=drawn.score,
        model_version=drawn.model_version,
        rank=0,
    )


def photo_of(row: Prediction, *, is_sample: bool) -> Photo:
    """The photo of a record, not saved."""
    return Photo(
        content_sha256=row.content_sha256,
        format=row.format,
        name=row.image_id,
        source=Photo.Source.POSTED,
        group=row.institution,
        sample=is_sample,
        result=row.result,
        score=row.score,
        model_version=row.model_version,
        queue=Photo.Queue.SAMPLE if is_sample else Photo.Queue.UNCERTAIN,
        rank=0 if is_sample else row.score or 0,  # the sample is labelled in the order in which it was drawn
        wanted=labellers_wanted(),
    )


def labellers_wanted() -> int:
    """Two for the share that measures the agreement, else one."""
    return 2 if is_drawn(settings.GATEWAY.second_label_percent) else 1


def kept(row: Prediction) -> bool:
    """Whether the picture is there to be looked at (KEEP_IMAGES, retention)."""
    return find_image(settings.GATEWAY.media_root, row.content_sha256) is not None
