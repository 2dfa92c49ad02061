"""What is kept of each request, of each model version and of each roll-out."""

from pathlib import Path
from typing import ClassVar

from django.db import models
from django.utils import timezone


class Prediction(models.Model):
    """One posted photo: answered (result is set) or refused (error_code is set)."""

    class Result(models.TextChoices):
        """The two answers of the contract."""

        OFFLINE = "offline"
        ONLINE = "online"

    image_id = models.CharField(max_length=255, help_text="The client's name for the photo; not unique.")
    content_sha256 = models.CharField(max_length=64, blank=True, help_text="Of the image's bytes; names the kept file.")
    size_bytes = models.PositiveIntegerField(null=True)
    format = models.CharField(max_length=16, blank=True, help_text="As read from the bytes: JPEG, PNG, WEBP…")
    width = models.PositiveIntegerField(null=True)
    height = models.PositiveIntegerField(null=True)
    result = models.CharField(max_length=8, choices=Result, blank=True)
    score = models.FloatField(null=True, help_text="Probability of the answered result, 0.5 to 1.")
    model_version = models.CharField(max_length=64, blank=True)
    error_code = models.CharField(max_length=32, blank=True, help_text="Why the request was refused.")
    stage_ms = models.JSONField(
        default=dict, help_text="Milliseconds: parse, model (queue, preprocess and inference within it), store."
    )
    client = models.CharField(max_length=64, help_text="The API key's name, or the client's address.")
    request_id = models.CharField(max_length=64)
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        """The newest first: the primary key grows with time."""

        ordering: ClassVar = ["-id"]
        indexes: ClassVar = [
            models.Index(fields=["created_at"]),  # retention, the admin's date filter
            models.Index(fields=["image_id"]),
            models.Index(fields=["content_sha256"]),  # does a record still need this file?
            models.Index(fields=["request_id"]),
            models.Index(fields=["model_version", "result"]),  # how many did a version answer, and how?
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


class ModelVersion(models.Model):
    """A model that passed its check once: what its artifact says of itself."""

    version = models.CharField(max_length=64, unique=True, help_text="The X-Model-Version of its answers.")
    sha256 = models.CharField(max_length=64, help_text="Of the weights.")
    manifest = models.JSONField(help_text="The artifact's manifest.json, its metrics within.")
    pruned_answers = models.PositiveBigIntegerField(
        default=0, help_text="Answers whose records retention has deleted since."
    )
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        """The newest first."""

        ordering: ClassVar = ["-id"]
        permissions: ClassVar = [("activate_modelversion", "Can activate a model version, and roll back")]

    def __str__(self) -> str:
        return self.version


class RollOut(models.Model):
    """One attempt to make both servers serve a version: who, when, why, how long each step took, how it ended."""

    class State(models.TextChoices):
        """RUNNING without a process that works on it was interrupted: the next one finishes or undoes it."""

        RUNNING = "running", "running"
        DONE = "done", "done"
        REFUSED = "refused", "refused, nothing was changed"
        UNDONE = "undone", "undone, the servers serve what they served before"
        FAILED = "failed", "failed, and could not be undone"

    artifact = models.CharField(max_length=4096, help_text="The folder that was asked for.")
    version = models.ForeignKey(ModelVersion, models.PROTECT, null=True, related_name="roll_outs")
    target = models.CharField(
        max_length=255, blank=True, help_text="What the servers' pointers say; empty is the default model."
    )
    before = models.JSONField(help_text="What each server's pointer said before.")
    by = models.CharField(max_length=150, help_text="Who asked for it.")
    reason = models.TextField(blank=True, help_text="Why.")
    process = models.PositiveIntegerField(help_text="The process that works on it.")
    state = models.CharField(max_length=8, choices=State, default=State.RUNNING)
    step = models.CharField(max_length=32, blank=True, help_text="The last step that was begun.")
    steps = models.JSONField(default=list, help_text="Each step that ended, and its seconds.")
    found = models.JSONField(default=dict, help_text="What the check found: accuracy on the canary set.")
    error = models.TextField(blank=True, help_text="Why it was refused or undone.")
    started_at = models.DateTimeField(default=timezone.now)
    finished_at = models.DateTimeField(null=True)

    class Meta:
        """The newest first."""

        ordering: ClassVar = ["-id"]

    def __str__(self) -> str:
        return f"{self.version or self.artifact}: {self.told_state}"

    @property
    def told_state(self) -> str:
        """The state in words; one that runs without a process waits for the next one."""
        if self.state == self.State.RUNNING and not Path(f"/proc/{self.process}").exists():
            return "interrupted; the next deploy_model finishes or undoes it, rollback_model undoes it"
        return self.get_state_display()
