"""Writes: what a person says of a photo, and takes back."""

from collections import Counter

from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from Pm.labelling.enrolment import photo_of
from Pm.labelling.queue import lease_again, lease_end
from Pm.models import Label, Photo, Prediction

ENOUGH_SKIPS = 2  # two people could not tell: nobody else is asked


@transaction.atomic
def label_give(*, photo_id: int, by: User | None, answer: str, blind: bool = True) -> Photo:
    """Record what a person says; what the same person said before is replaced.

    Saying the same again changes nothing: a form that is sent twice counts once.
    Raises: Photo.DoesNotExist; ValueError for an answer that is none.
    """
    if answer not in Label.Answer.values:
        raise ValueError(f"{answer!r} is no answer.")
    photo = Photo.objects.select_for_update().get(pk=photo_id)
    before = photo.labels.filter(by=by, undone_at=None).first()
    if before is None or before.answer != answer:
        if before:
            label_end(before, corrected=before.blind and not blind)
        photo.labels.create(by=by, answer=answer, blind=blind)
    if by is None or photo.leased_by_id == by.pk:
        lease_end(photo)
    photo_settle(photo)
    return photo


@transaction.atomic
def queue_answer(*, photo_id: int, by: User, answer: str) -> bool:
    """Record what a person says of a photo that the queue gave them. Returns: whether it was still theirs.

    A reservation that ran out holds until somebody else takes the photo, and a form that is sent twice counts once.
    Otherwise anybody could label any photo blind, also one that is on somebody else's screen.
    Raises: Photo.DoesNotExist; ValueError for an answer that is none.
    """
    if answer not in Label.Answer.values:
        raise ValueError(f"{answer!r} is no answer.")
    photo = Photo.objects.select_for_update().get(pk=photo_id)
    is_again = photo.labels.filter(by=by, undone_at=None, answer=answer).exists()
    if photo.leased_by_id != by.pk and not is_again:
        return False
    label_give(photo_id=photo_id, by=by, answer=answer)
    return True


@transaction.atomic
def label_undo(*, by: User) -> Photo | None:
    """Take back the last answer of a person, who gets the photo again if it is free. Returns: it, or None."""
    last = Label.objects.filter(by=by, undone_at=None, blind=True).order_by("-id").first()
    if last is None:
        return None
    photo = Photo.objects.select_for_update().get(pk=last.photo_id)
    label_end(last)
    lease_again(photo, by)
    photo_settle(photo)
    return photo


def label_end(label: Label, *, corrected: bool = False) -> None:
    """It no longer counts, and stays as history; a corrected one still counts for accuracy."""
    label.undone_at, label.corrected = timezone.now(), corrected
    label.save(update_fields=["undone_at", "corrected"])


def photo_settle(photo: Photo) -> None:
    """Set and save what follows from the labels: the majority, a tie as a conflict, whether it waits for more."""
    live = list(photo.labels.filter(undone_at=None).order_by("-id").values_list("answer", flat=True))
    told = [answer for answer in live if answer != Label.Answer.SKIP]
    votes = Counter(told).most_common()
    photo.conflict = len(votes) > 1 and votes[0][1] == votes[1][1]
    photo.label = (told[0] if photo.conflict else votes[0][0]) if told else ""
    photo.answers = len(told)
    photo.waiting = len(told) < photo.wanted and len(live) - len(told) < ENOUGH_SKIPS
    photo.blind_label = blind_label(photo)
    photo.save()


def blind_label(photo: Photo) -> str:
    """What most people said who did not see the model's answer; empty when nobody did, or as many say either.

    Corrections that are made with the answer in sight are left out: they come where people and model differ, and would
    only ever bring them together.
    """
    blind = photo.labels.filter(Q(undone_at=None) | Q(corrected=True), blind=True, by__isnull=False)
    votes = Counter(blind.exclude(answer=Label.Answer.SKIP).values_list("answer", flat=True)).most_common()
    return votes[0][0] if votes and (len(votes) == 1 or votes[0][1] > votes[1][1]) else ""


def photo_ensure(prediction: Prediction) -> Photo:
    """The photo of a record, made where it was in no queue: any kept photo can be labelled from its page."""
    draft = photo_of(prediction, is_sample=False)
    draft.wanted = 1
    Photo.objects.bulk_create([draft], ignore_conflicts=True)
    return Photo.objects.get(content_sha256=prediction.content_sha256)
