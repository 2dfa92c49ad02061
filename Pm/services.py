"""Writes: classify a picture, keep it, record the request before it is answered."""

import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

from django.conf import settings
from django.db import Error as DatabaseError

import afterwards
from Pm import metrics
from Pm.canary_traffic import classify
from Pm.errors import ApiError, InternalError, StorageUnavailableError
from Pm.images import Picture
from Pm.labelling.draw import is_drawn
from Pm.models import Prediction
from Pm.record import prediction_insert

logger = logging.getLogger(__name__)


class StageTimer:
    """Adds the milliseconds of what it surrounds to the draft and to the metrics, also when it raises.

    Four of them are in each photo's way, where a generator with contextmanager takes twice the calls.
    """

    def __init__(self, draft: Prediction, stage: str) -> None:
        self._draft, self._stage = draft, stage

    def __enter__(self) -> None:
        self._start = time.perf_counter()

    def __exit__(self, *_: object) -> None:
        seconds = time.perf_counter() - self._start
        self._draft.stage_ms[self._stage] = round(seconds * 1000, 3)
        afterwards.do(partial(metrics.count_stage, self._stage, seconds))


@contextmanager
def refusal_recorded(draft: Prediction) -> Iterator[None]:
    """Records the draft as refused when what it surrounds raises; the refusal goes on to the client."""
    try:
        yield
    except Exception as exc:
        if draft.image_id:
            prediction_refuse(draft=draft, code=exc.code if isinstance(exc, ApiError) else InternalError.code)
        raise


def prediction_refuse(*, draft: Prediction, code: str) -> None:
    """Record a refused request; a database that fails here must not hide the refusal from the client."""
    draft.result, draft.error_code = "", code
    try:
        prediction_insert(draft)
    except DatabaseError:
        logger.exception("refusal not recorded")


def prediction_classify(*, draft: Prediction, image: bytes) -> None:
    """Fill the draft with the model's answer and keep the picture, which is written while the model works.

    Raises: what classify raises; StorageUnavailableError when the picture cannot be written.
    """
    draft.size_bytes = len(image)
    picture = Picture(image, settings.GATEWAY.media_root if settings.GATEWAY.keep_images else None)
    try:
        with StageTimer(draft, "model"):
            answer = classify(draft, image, picture.prepare)
        draft.result, draft.score, draft.model_version = answer.result, answer.score, answer.model_version
        draft.format, draft.width, draft.height = answer.format, answer.width, answer.height
        draft.stage_ms |= answer.stage_ms
        if settings.GATEWAY.keep_images:
            with StageTimer(draft, "store"):
                prediction_keep_picture(picture, draft.format)
    finally:
        draft.content_sha256 = picture.sha256
        picture.discard()


def prediction_keep_picture(picture: Picture, image_format: str) -> None:
    """Keep the picture. Raises: StorageUnavailableError."""
    try:
        picture.keep(image_format)
    except OSError as exc:
        logger.exception("image not kept")
        raise StorageUnavailableError("The image could not be stored; nothing was answered.") from exc


def prediction_record(*, draft: Prediction) -> None:
    """Insert the answered request: after this, and only then, may it be answered.

    Raises: StorageUnavailableError.
    """
    draft.sampled = is_drawn(settings.GATEWAY.sample_percent) and settings.GATEWAY.keep_images
    try:
        with StageTimer(draft, "record"):
            prediction_insert(draft)
    except DatabaseError as exc:
        logger.exception("answer not recorded")
        raise StorageUnavailableError("The request could not be recorded; nothing was answered.") from exc
    afterwards.do(partial(metrics.count_answer, draft))
