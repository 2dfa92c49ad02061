"""Puts posted photos into the labelling queue: those drawn at random, and those of which the model was unsure.

Nothing of it happens while a request waits for its answer: the queue looks for what is new when somebody opens it.
"""

from collections.abc import Iterable

from django.conf import settings
from django.db import transaction
from django.db.models import Q

from Pm.images import find_image
from Pm.labelling.draw import is_drawn
from Pm.models import EnrolledUntil, Photo, Prediction
from Pm.models.prediction import UNCERTAIN_BELOW

BATCH = 1000
# Ids are given before the record can be seen: one that is lower than the last seen may still appear, for as long as a
# request takes. So many ids are looked at again; a photo enters once only.
LOOKED_AT_AGAIN = 1000
REASONS = {"sample": Q(sampled=True), "uncertain": Q(score__lt=UNCERTAIN_BELOW)}  # each has its partial index


def photos_enrol() -> int:
    """Let in what was posted since the last time, at most BATCH photos a reason. Returns: records looked at."""
    return sum(_enrol(reason, condition) for reason, condition in REASONS.items())


@transaction.atomic
def _enrol(reason: str, condition: Q) -> int:
    EnrolledUntil.objects.get_or_create(reason=reason)
    until = EnrolledUntil.objects.select_for_update().get(reason=reason)
    seen = until.prediction_id
    new = Prediction.objects.filter(condition).order_by("id")
    again = list(new.filter(id__gt=seen - LOOKED_AT_AGAIN, id__lte=seen)[:BATCH])
    rows = list(new.filter(id__gt=seen)[:BATCH])
    _let_in([row for row in again + rows if row.result], is_sample=reason == "sample")
    if rows:
        EnrolledUntil.objects.filter(reason=reason).update(prediction_id=rows[-1].pk)
    return len(rows)


def _let_in(rows: Iterable[Prediction], *, is_sample: bool) -> None:
    photos = {row.content_sha256: photo_of(row, is_sample=is_sample) for row in rows if kept(row)}
    known = set(Photo.objects.filter(content_sha256__in=photos).values_list("content_sha256", flat=True))
    new = [photo for sha256, photo in photos.items() if sha256 not in known]
    Photo.objects.bulk_create(new, ignore_conflicts=True)
    if is_sample:  # what was let in for another reason joins the sample, with the answer of the request that was drawn
        for sha256 in known:
            photo_join_sample(photos[sha256])


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
