"""Imports photos that were never posted, with labels where they lie in folders named after the classes."""

import hashlib
import os
from collections.abc import Callable
from pathlib import Path

from django.conf import settings
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from Pm.errors import ApiError
from Pm.images import image_path, image_save
from Pm.labelling.enrolment import labellers_wanted
from Pm.labelling.services import label_end, label_give, photo_settle
from Pm.labelling.sources import Member, open_source, readable
from Pm.models import Photo, PhotoImport
from Pm.photos.files import thumbnail_path
from Pm.pictures import Picture, read_picture

SAVED_EVERY = 10  # files: the page that shows the progress asks the record
COUNTS = ("files", "looked_at", "added", "known", "labelled")
NAME_CHARACTERS = 255
NEITHER = ""  # what a picture is labelled that lay in both folders, however many copies follow


def photos_import(source: Path, record: PhotoImport, say: Callable[[PhotoImport], object] = lambda _: None) -> None:
    """Import every picture of a folder or zip; `record` tells how far it is, and what was refused and why.

    What is known already is not added again, so that the same import may be repeated.
    Raises: ImportRefusedError; OSError when pictures cannot be written; whatever else ends it. The record tells why.
    """
    record.process = os.getpid()
    record.save()
    try:
        with open_source(source, record.name) as members:
            record.files = len(members)
            _import_all(members, record, say)
        record.state = PhotoImport.State.DONE
    except Exception as exc:
        text = str(exc) or type(exc).__name__
        record.state, record.error = PhotoImport.State.FAILED, readable(text.encode(errors="replace"))
        raise
    finally:
        record.finished_at = timezone.now()
        record.save()


def _import_all(members: list[Member], record: PhotoImport, say: Callable[[PhotoImport], object]) -> None:
    said: dict[str, str] = {}  # hash → the class whose folder it lay in, or NEITHER
    are_groups = len({member.folder for member in members}) > 1  # one folder around all of it says nothing
    for number, member in enumerate(members, start=1):
        try:
            _import_one(member, record, said, record.group or (member.folder if are_groups else ""))
        except ApiError as exc:
            record.refused.append([member.name[:NAME_CHARACTERS], exc.message])
        record.looked_at = number
        if number % SAVED_EVERY == 0 or number == len(members):
            record.save(update_fields=COUNTS)  # what was refused may be long: it is written at the end
            say(record)


def _import_one(member: Member, record: PhotoImport, said: dict[str, str], group: str) -> None:
    data = member.read()
    sha256 = hashlib.sha256(data).hexdigest()
    picture = read_picture(data)
    image_save(path=image_path(settings.GATEWAY.media_root, sha256, picture.format), image=data)
    image_save(path=thumbnail_path(sha256), image=picture.thumbnail)
    photo, is_new = _ensure(member, sha256, picture, group)
    record.added += is_new
    record.known += not is_new
    if record.label_from_folders and member.label:
        _label(photo, member, record, said)


def _ensure(member: Member, sha256: str, picture: Picture, group: str) -> tuple[Photo, bool]:
    defaults = {
        "format": picture.format,
        "name": member.name[-NAME_CHARACTERS:],
        "source": Photo.Source.IMPORTED,
        "queue": Photo.Queue.IMPORTED,
        "group": group[:NAME_CHARACTERS],
        "wanted": labellers_wanted(),
    }
    return Photo.objects.get_or_create(content_sha256=sha256, defaults=defaults)


@transaction.atomic
def _label(photo: Photo, member: Member, record: PhotoImport, said: dict[str, str]) -> None:
    """The folder counts as one labeller; a picture that lies in both folders gets no label from them."""
    before = said.get(photo.content_sha256)
    said[photo.content_sha256] = member.label if before in (None, member.label) else NEITHER
    record.labelled += bool(said[photo.content_sha256]) - bool(before)
    if said[photo.content_sha256]:
        label_give(photo_id=photo.pk, by=None, answer=member.label, blind=False)
        return
    for label in photo.labels.filter(by=None, undone_at=None):
        label_end(label)
    photo_settle(Photo.objects.select_for_update().get(pk=photo.pk))
    name = member.name[:NAME_CHARACTERS]
    record.refused.append([name, _("The same picture lies in both folders: the folders give it no label.")])
