"""The day that a photo counts for in the report."""

from datetime import date, datetime

from django.conf import settings


def report_day(moment: datetime) -> date:
    """The calendar day of an aware `moment` in REPORT_TIME_ZONE: at seven in Beijing, UTC is a day behind.

    It is stored with each record, so that the report reads an index and asks no time zone a million times.
    """
    return moment.astimezone(settings.GATEWAY.report_time_zone).date()
