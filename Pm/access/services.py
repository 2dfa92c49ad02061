"""Writes: forget sessions that have ended and log-ins of long ago."""

from datetime import timedelta
from importlib import import_module

from axes.models import AccessAttempt, AccessLog
from django.conf import settings
from django.utils import timezone

LOG_INS_KEPT = timedelta(days=365)


def access_prune() -> None:
    """What nobody needs any more; done at each start, and with manage.py prune_predictions."""
    import_module(settings.SESSION_ENGINE).SessionStore.clear_expired()
    now = timezone.now()
    AccessAttempt.objects.filter(attempt_time__lt=now - settings.AXES_COOLOFF_TIME).delete()
    AccessLog.objects.filter(attempt_time__lt=now - LOG_INS_KEPT).delete()
