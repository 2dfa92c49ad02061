"""A column that follows from others."""

from datetime import date

from django.db import models

from Pm.report.day import report_day


class ReportDayField(models.DateField):  # type: ignore[type-arg] # not subscriptable at run time
    """The day of captured_at, or else of created_at, in REPORT_TIME_ZONE; set whenever its record is saved."""

    def pre_save(self, model_instance: models.Model, add: bool) -> date:  # noqa: ARG002, FBT001 - Django's signature
        """The day, also for bulk_create, which calls no save()."""
        day = report_day(model_instance.captured_at or model_instance.created_at)  # type: ignore[attr-defined]
        setattr(model_instance, self.attname, day)
        return day
