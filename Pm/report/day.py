"""The days of the report: which one a photo counts for, and when today began."""

from datetime import date, datetime

from django.conf import settings
from django.utils import timezone


def report_day(moment: datetime) -> date:
    """The calendar day of an aware `moment` in REPORT_TIME_ZONE: at seven in Beijing, UTC is a day behind.

    It is stored with each record, so that the report reads an index and asks no time zone a million times.
    """
    return moment.astimezone(settings.GATEWAY.report_time_zone).date()


def midnight() -> datetime:
    """When today began in REPORT_TIME_ZONE."""
    now = timezone.localtime(timezone=settings.GATEWAY.report_time_zone)
    return now.replace(hour=0, minute=0, second=0, microsecond=0)
