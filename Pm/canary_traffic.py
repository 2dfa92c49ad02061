"""Decides which version a photo is shown to while a canary runs, and gets it answered whatever the canary does."""

import time
from collections.abc import Callable

from django.conf import settings

from Pm import canary, canary_server, shadow
from Pm.client import model_client
from Pm.errors import BusyError
from Pm.models import Prediction
from Pm.reply import ModelAnswer


def classify(draft: Prediction, image: bytes, meanwhile: Callable[[], None]) -> ModelAnswer:
    """The answer of the version whose share the photo is of; the draft notes whether that is the canary's.

    What the canary does not answer within its time the stable version answers in the rest.
    `meanwhile` is called while a model works. Raises: what ModelClient.classify raises.
    """
    released = canary.current()
    if released is None:
        return model_client().classify(image, draft.request_id, meanwhile=meanwhile)
    deadline = time.monotonic() + settings.GATEWAY.model_read_timeout_s
    draft.canary = released.takes(draft.image_id)
    if draft.canary and not released.shadow:
        try:
            return canary_server.ask(released, image, draft.request_id, meanwhile=meanwhile)
        except (*canary_server.FAILURES, BusyError):
            pass
    start = time.monotonic()
    answer = model_client().classify(
        image, draft.request_id, upstream="stable", limit_s=deadline - start, meanwhile=meanwhile
    )
    if draft.canary and released.shadow and answer.model_version != released.version:
        stable_ms = round((time.monotonic() - start) * 1000, 3)
        shadow.offer(shadow.Copy(released, draft.image_id, draft.request_id, image, answer, stable_ms))
    return answer
