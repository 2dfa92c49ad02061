"""Photos that people label, what they said, and imports of photos."""

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from Pm.models.prediction import Prediction
from Pm.processes import is_command


class Photo(models.Model):
    """A picture that is labelled, or is to be: its labels belong to its bytes, however often it was posted."""

    class Queue(models.TextChoices):
        """Where it waits: what is measured on the random sample must not depend on who labels the uncertain ones."""

        SAMPLE = "sample", _("Random sample")
        UNCERTAIN = "uncertain", _("Uncertain")
        IMPORTED = "imported", _("Imported")

    class Source(models.TextChoices):
        """Where the picture came from first."""

        POSTED = "posted", _("posted")
        IMPORTED = "imported", _("imported")

    content_sha256 = models.CharField(_("SHA-256"), max_length=64, unique=True)
    format = models.CharField(_("format"), max_length=16)
    name = models.CharField(_("name"), max_length=255, help_text=_("Its image_id, or its path in the import."))
    source = models.CharField(_("source"), max_length=8, choices=Source)
    group = models.CharField(
        _("group"),
        max_length=255,
        blank=True,
        help_text=_("What must stay together when data are split: an institution, or a folder of the import."),
    )
    sample = models.BooleanField(
        _("random sample"), default=False, help_text=_("Drawn at random when it was posted, whatever the answer.")
    )
    # What the model answered when the photo entered the queue; for the random sample, in the request that was drawn.
    result = models.CharField(_("result"), max_length=8, choices=Prediction.Result, blank=True)
    score = models.FloatField(_("score"), null=True)
    model_version = models.CharField(_("model version"), max_length=64, blank=True)
    # What follows from the labels; Pm.labelling.services.photo_settle sets all five.
    label = models.CharField(
        _("label"), max_length=8, choices=Prediction.Result, blank=True, help_text=_("Of most labellers, or the last.")
    )
    blind_label = models.CharField(
        max_length=8,
        choices=Prediction.Result,
        blank=True,
        default="",
        db_default="",  # code of the release before knows no such column
        help_text="Of most people who did not see the model's answer; what accuracy is measured against.",
    )
    conflict = models.BooleanField(_("conflict"), default=False, help_text=_("As many say one as say the other."))
    waiting = models.BooleanField(_("waiting"), default=True, help_text=_("Whether somebody is still to label it."))
    answers = models.PositiveSmallIntegerField(_("labels"), default=0)
    wanted = models.PositiveSmallIntegerField(_("labellers wanted"), default=1)
    queue = models.CharField(_("queue"), max_length=9, choices=Queue)
    rank = models.FloatField(default=0, editable=False, help_text="Order in its queue: the score, or all the same.")
    leased_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+", help_text="Who has it on the screen."
    )
    leased_at = models.DateTimeField(null=True)
    leased_until = models.DateTimeField(null=True)
    created_at = models.DateTimeField(_("time"), default=timezone.now)

    class Meta:
        """The newest first."""

        verbose_name = _("photo of the label set")
        verbose_name_plural = _("label set")
        ordering: ClassVar = ["-id"]
        permissions: ClassVar = [
            ("label_photo", "Can label photos"),
            ("import_photo", "Can import photos"),
            ("export_labels", "Can export the labelled photos"),
        ]
        indexes: ClassVar = [
            models.Index(fields=["queue", "rank", "id"], condition=models.Q(waiting=True), name="label_queue"),
            models.Index(fields=["leased_by"]),
            models.Index(fields=["label", "id"], condition=~models.Q(label=""), name="labelled_photos"),
            models.Index(fields=["id"], condition=models.Q(conflict=True), name="photos_in_conflict"),
            models.Index(  # accuracy reads no more than this
                fields=["model_version", "blind_label", "result"],
                condition=models.Q(sample=True),
                name="sampled_photos",
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def disagrees(self) -> bool:
        """Whether people say otherwise than the model did."""
        return bool(self.label and self.result and self.label != self.result)


class Label(models.Model):
    """What one person said of one photo; undone or replaced, it stays as history."""

    class Answer(models.TextChoices):
        """The two classes, or that one cannot tell."""

        OFFLINE = "offline", _("offline")
        ONLINE = "online", _("online")
        SKIP = "skip", _("cannot tell")

    photo = models.ForeignKey(Photo, models.CASCADE, related_name="labels")
    by = models.ForeignKey(  # a user with labels is made inactive, not deleted: who said what is kept
        settings.AUTH_USER_MODEL,
        models.PROTECT,
        null=True,
        related_name="photo_labels",
        help_text="Nobody: the folder that it was imported from.",
    )
    answer = models.CharField(_("answer"), max_length=8, choices=Answer)
    blind = models.BooleanField(default=True, help_text="Given without the model's answer on the screen.")
    created_at = models.DateTimeField(_("time"), default=timezone.now)
    undone_at = models.DateTimeField(_("undone"), null=True)
    corrected = models.BooleanField(
        default=False,
        db_default=False,
        help_text="Replaced by the same person with the model's answer in sight: accuracy keeps to this.",
    )

    class Meta:
        """The newest first; one person says one thing of a photo at a time."""

        ordering: ClassVar = ["-id"]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["photo", "by"], condition=models.Q(undone_at=None), name="one_label_a_person"
            ),
        ]
        indexes: ClassVar = [
            models.Index(fields=["by", "id"], condition=models.Q(undone_at=None), name="labels_by_person"),  # undo
            models.Index(fields=["by", "created_at"], condition=models.Q(undone_at=None), name="labels_by_day"),
        ]

    def __str__(self) -> str:
        return f"{self.photo}: {self.answer}"


class EnrolledUntil(models.Model):
    """How far the records have been searched for photos to label, for each reason to label one."""

    reason = models.CharField(max_length=16, primary_key=True)
    prediction_id = models.BigIntegerField(default=0)

    def __str__(self) -> str:
        return f"{self.reason}: {self.prediction_id}"


class PhotoImport(models.Model):
    """One import of a folder or zip: who, what, how far it is, and which files were refused and why."""

    class State(models.TextChoices):
        """RUNNING without its process was interrupted; the same files can be imported again."""

        RUNNING = "running", _("running")
        DONE = "done", _("done")
        FAILED = "failed", _("failed")

    name = models.CharField(_("name"), max_length=255)
    by = models.CharField(_("by"), max_length=150, blank=True)
    group = models.CharField(_("group"), max_length=255, blank=True)
    label_from_folders = models.BooleanField(_("labels from folders"), default=False)
    state = models.CharField(_("state"), max_length=8, choices=State, default=State.RUNNING)
    files = models.PositiveIntegerField(_("files"), default=0)
    looked_at = models.PositiveIntegerField(_("looked at"), default=0)
    added = models.PositiveIntegerField(_("added"), default=0)
    known = models.PositiveIntegerField(_("known already"), default=0)
    labelled = models.PositiveIntegerField(_("labelled"), default=0)
    refused = models.JSONField(_("refused"), default=list)  # [name, why]
    error = models.TextField(_("error"), blank=True)
    process = models.PositiveIntegerField(null=True)
    started_at = models.DateTimeField(_("time"), default=timezone.now)
    finished_at = models.DateTimeField(null=True)

    class Meta:
        """The newest first."""

        verbose_name = _("import")
        verbose_name_plural = _("imports")
        ordering: ClassVar = ["-id"]

    def __str__(self) -> str:
        return self.name

    @property
    def is_interrupted(self) -> bool:
        """Whether the process that worked on it is gone."""
        return self.state == self.State.RUNNING and self.process is not None and not is_command(self.process)
