"""What is kept of each request."""

from functools import cache
from typing import Any, ClassVar, Self

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from Pm.models.fields import ReportDayField

UNCERTAIN_BELOW = 0.9  # a photo that the model scores lower is worth a label


class Prediction(models.Model):
    """One posted photo: answered (result is set) or refused (error_code is set)."""

    class Result(models.TextChoices):
        """The two answers of the contract."""

        OFFLINE = "offline", _("Offline")
        ONLINE = "online", _("Online")

    image_id = models.CharField(max_length=255, help_text="The client's name for the photo; not unique.")
    content_sha256 = models.CharField(max_length=64, blank=True, help_text="Of the image's bytes; names the kept file.")
    size_bytes = models.PositiveIntegerField(null=True)
    format = models.CharField(max_length=16, blank=True, help_text="As read from the bytes: JPEG, PNG, WEBP…")
    width = models.PositiveIntegerField(null=True)
    height = models.PositiveIntegerField(null=True)
    result = models.CharField(max_length=8, choices=Result, blank=True)
    score = models.FloatField(null=True, help_text="Probability of the answered result, 0.5 to 1.")
    model_version = models.CharField(max_length=64, blank=True)
    canary = models.BooleanField(  # null costs no rewrite of a large table
        null=True, help_text="Whether the photo was of a canary's share; nothing while none ran."
    )
    sampled = models.BooleanField(null=True, help_text="Whether it is one of the random sample that people label.")
    error_code = models.CharField(max_length=32, blank=True, help_text="Why the request was refused.")
    # Columns with a default in the database, or null, are added to a large table without rewriting it.
    institution = models.CharField(
        max_length=255, blank=True, default="", db_default="", help_text="As sent, or else read from image_id."
    )
    region = models.CharField(
        max_length=64, blank=True, default="", db_default="", help_text="As sent, or else of the institution's city."
    )
    captured_at = models.DateTimeField(null=True, help_text="When the photo was taken, if the client said so.")
    day = ReportDayField(
        null=True, editable=False, help_text="The report's; nothing in old records until fill_report_fields."
    )
    stage_ms = models.JSONField(
        default=dict, help_text="Milliseconds: parse, model (queue, preprocess and inference within it), store."
    )
    client = models.CharField(max_length=64, help_text="The API key's name, or the client's address.")
    request_id = models.CharField(max_length=64)
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        """The newest first: the primary key grows with time."""

        verbose_name = _("photo")
        verbose_name_plural = _("photos")
        ordering: ClassVar = ["-id"]
        permissions: ClassVar = [("view_report", "Can see the report")]
        indexes: ClassVar = [
            models.Index(fields=["created_at"]),  # retention, the admin's date filter
            models.Index(fields=["image_id"]),
            models.Index(fields=["content_sha256"]),  # does a record still need this file?
            models.Index(fields=["request_id"]),
            models.Index(fields=["model_version", "result"]),  # how many did a version answer, and how?
            # Photos to label: drawn at random, or uncertain. Few records, so few inserts pay for them.
            models.Index(fields=["id"], condition=models.Q(sampled=True), name="sampled_predictions"),
            models.Index(fields=["id"], condition=models.Q(score__lt=UNCERTAIN_BELOW), name="uncertain_predictions"),
            models.Index(fields=["id"], condition=models.Q(result=""), name="refused_predictions"),
            # All that the report counts by: it reads no record. The day grows, so inserts stay near the index's end.
            models.Index(fields=["day", "model_version", "result", "region", "institution"], name="report_counts"),
        ]
        constraints: ClassVar = [
            models.CheckConstraint(
                name="answered_or_refused",
                condition=(models.Q(result__in=["offline", "online"]) & models.Q(error_code=""))
                | (models.Q(result="") & ~models.Q(error_code="")),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.image_id}: {self.result or self.error_code}"

    @classmethod
    def draft(cls, *, client: str, request_id: str) -> Self:
        """What is to be recorded of a request that has just come."""
        return cls(**_constants() | {"client": client, "request_id": request_id})


@cache
def _constants() -> dict[str, Any]:
    """The defaults that never change: Django asks each field for its own, in 45 calls of Python for each new record."""
    fields = Prediction._meta.concrete_fields
    return {each.attname: each.get_default() for each in fields if not (each.has_default() and callable(each.default))}
