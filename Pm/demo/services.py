"""Writes: fill the database with the demonstration, or take it out again."""

import copy
import hashlib
import io
import random
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.contrib.auth.models import Group, User
from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from Pm import artifacts
from Pm.access.groups import LABELLER
from Pm.demo import plan
from Pm.demo.plan import Posted
from Pm.images import find_image, image_path, image_save
from Pm.labelling.enrolment import photos_enrol
from Pm.labelling.services import label_give
from Pm.models import Label, ModelVersion, Photo, Prediction, RollOut
from Pm.photos.files import thumbnail_path
from Pm.report.image_id import place_of
from Pm.roll_out_steps import DEMO
from Pm.selectors import posted_by_clients
from Pm.versions.selectors import default_version

CLIENT = "demo"  # a key may have this name too, so a mark within the record decides
MARK = {DEMO: 1}
OURS = Q(client=CLIENT, stage_ms__demo=1)
OLD_VERSION = "demo-resnet18-1"
LABELLERS = ("demo-anna", "demo-bert")
SIZE = (640, 427)
LABELLED = 0.6
LABEL_ERRORS = 0.04
Say = Callable[[int], object]


def holds_real_records() -> bool:
    """Whether a client posted anything; the demonstration and the sample of each start are none."""
    return posted_by_clients().exclude(OURS).exists()


def demo_fill(*, photos: int = plan.PHOTOS, progress: Say) -> int:
    """Put the demonstration in, in place of an earlier one. Returns: the number of photos.

    Raises: OSError where a picture cannot be written.
    """
    demo_remove()
    now = timezone.now()
    rows = []
    for each in plan.posted(now, photos):
        rows.append(_record(each))
        progress(each.number + 1)
    with transaction.atomic():
        _versions(now)
        Prediction.objects.bulk_create(rows)
    _labels({row.content_sha256: each.truth for row, each in zip(rows, plan.posted(now, photos), strict=True)})
    return len(rows)


def demo_remove() -> int:
    """Take out all that demo_fill put in, pictures too. Returns: the number of records."""
    hashes = set(Prediction.objects.filter(OURS).values_list("content_sha256", flat=True)) - {""}
    with transaction.atomic():
        count: int = Prediction.objects.filter(OURS).delete()[0]
        needed = set(Prediction.objects.filter(content_sha256__in=hashes).values_list("content_sha256", flat=True))
        gone = hashes - needed
        Label.objects.filter(Q(photo__content_sha256__in=gone) | Q(by__username__in=LABELLERS)).delete()
        Photo.objects.filter(content_sha256__in=gone).delete()
        User.objects.filter(username__in=LABELLERS).delete()
        RollOut.objects.filter(Q(found__has_key=DEMO) | Q(version__version=OLD_VERSION)).delete()
        ModelVersion.objects.filter(version=OLD_VERSION).delete()
    for sha256 in gone:
        if path := find_image(settings.GATEWAY.media_root, sha256):
            path.unlink(missing_ok=True)
        thumbnail_path(sha256).unlink(missing_ok=True)
    return count


def _record(each: Posted) -> Prediction:
    """The record of one photo; its picture is drawn and kept."""
    image = _drawn(each)
    sha256 = hashlib.sha256(image).hexdigest()
    image_save(path=image_path(settings.GATEWAY.media_root, sha256, "JPEG"), image=image)
    institution, region = place_of(each.image_id, institution=None, region=None)
    answer: dict[str, Any] = {"error_code": "busy"}
    if each.result:
        version = default_version() if each.is_new_version else OLD_VERSION
        answer = {"result": each.result, "score": each.score, "model_version": version, "sampled": each.is_sampled}
    return Prediction(
        image_id=each.image_id,
        content_sha256=sha256,
        size_bytes=len(image),
        format="JPEG",
        width=SIZE[0],
        height=SIZE[1],
        institution=institution,
        region=region,
        captured_at=each.at - timedelta(minutes=20),
        stage_ms={"parse": 4.1, "model": 27.5, "store": 0.6} | MARK,
        client=CLIENT,
        request_id=f"demo-{each.number}",
        created_at=each.at,
        **answer,
    )


def _drawn(each: Posted) -> bytes:
    from Pm.demo.drawings import offline, online  # numpy: only where somebody asks for it

    draw = online if each.truth == plan.ONLINE else offline
    buffer = io.BytesIO()
    draw(each.number).resize(SIZE).save(buffer, "JPEG", quality=75)
    return buffer.getvalue()


def _versions(now: datetime) -> None:
    """An older version before the one that ships, and who rolled them out."""
    default = ModelVersion.objects.get(version=default_version())
    manifest = copy.deepcopy(default.manifest) | {"version": OLD_VERSION, "name": "demo"}
    manifest["metrics"] = {
        "mean_accuracy": plan.RIGHT_BEFORE,
        "accuracy": {"offline": 0.92, "online": 0.88},
        "ece": 0.031,
        "measured_on": "drawn photos of the demonstration",
    }
    began = now - timedelta(days=plan.DAYS)
    old = ModelVersion.objects.create(version=OLD_VERSION, sha256="0" * 64, manifest=manifest, created_at=began)
    changed = began + timedelta(days=plan.NEW_VERSION_AFTER_DAYS)
    for version, at, reason in ((old, began, "first model"), (default, changed, "fewer mistakes in dark rooms")):
        RollOut.objects.create(
            version=version,
            artifact=OLD_VERSION if version == old else str(artifacts.DEFAULT),
            before=dict.fromkeys(artifacts.SLOTS, ""),  # so that rolling back never leads to what is not there
            by=CLIENT,
            reason=reason,
            process=1,
            state=RollOut.State.DONE,
            found=MARK,
            steps=[["check", 9.2], ["resnet_server1", 4.8], ["resnet_server2", 4.6], ["record", 0.1]],
            started_at=at,
            finished_at=at + timedelta(seconds=19),
        )


def _labels(truths: dict[str, str]) -> None:
    """Two people have labelled a part of the queue; they err now and then."""
    while photos_enrol():
        pass
    people = [_labeller(name) for name in LABELLERS]
    chance = random.Random(plan.SEED)  # noqa: S311
    waiting = Photo.objects.filter(content_sha256__in=truths, waiting=True).order_by("pk")
    for photo in waiting:
        if chance.random() < LABELLED:
            first = chance.randrange(len(people))
            for person in (people[first], people[1 - first])[: photo.wanted]:
                label_give(photo_id=photo.pk, by=person, answer=_said(truths[photo.content_sha256], chance))


def _said(truth: str, chance: random.Random) -> str:
    if chance.random() >= LABEL_ERRORS:
        return truth
    return chance.choice([answer for answer in Label.Answer.values if answer != truth])


def _labeller(name: str) -> User:
    """Somebody who cannot sign in."""
    user = User.objects.create_user(name, is_active=False, is_staff=True)
    user.groups.add(*Group.objects.filter(name=LABELLER))
    return user
