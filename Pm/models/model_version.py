"""Model versions, roll-outs, and copies that a shadow answered."""

from typing import ClassVar

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from Pm.models.prediction import Prediction
from Pm.processes import is_command


class ModelVersion(models.Model):
    """A model that passed its check once: what its artifact says of itself."""

    version = models.CharField(
        _("version"), max_length=64, unique=True, help_text=_("The X-Model-Version of its answers.")
    )
    sha256 = models.CharField(_("SHA-256"), max_length=64, help_text=_("Of the weights."))
    manifest = models.JSONField(_("manifest"), help_text=_("The artifact's manifest.json, its metrics within."))
    pruned_answers = models.PositiveBigIntegerField(
        default=0, help_text=_("Answers whose records retention has deleted since.")
    )
    created_at = models.DateTimeField(_("time"), default=timezone.now)

    class Meta:
        """The newest first."""

        verbose_name = _("model version")
        verbose_name_plural = _("model versions")
        ordering: ClassVar = ["-id"]
        permissions: ClassVar = [("activate_modelversion", "Can activate a model version, and roll back")]

    def __str__(self) -> str:
        return self.version


class RollOut(models.Model):
    """One attempt to make both servers serve a version: who, when, why, how long each step took, how it ended.

    A canary is a roll-out that rests after the backup: promoted it goes on to the primary, aborted it is undone.
    """

    class State(models.TextChoices):
        """RUNNING without a process that works on it was interrupted: the next one finishes or undoes it."""

        RUNNING = "running", _("running")
        CANARY = "canary", _("canary, the backup serves a share of the requests")
        DONE = "done", _("done")
        REFUSED = "refused", _("refused, nothing was changed")
        UNDONE = "undone", _("undone, the servers serve what they served before")
        FAILED = "failed", _("failed, and could not be undone")

    artifact = models.CharField(max_length=4096, help_text=_("The folder that was asked for."))
    version = models.ForeignKey(
        ModelVersion, models.PROTECT, null=True, verbose_name=_("version"), related_name="roll_outs"
    )
    target = models.CharField(
        max_length=255, blank=True, help_text=_("What the servers' pointers say; empty is the default model.")
    )
    before = models.JSONField(help_text=_("What each server's pointer said before."))
    by = models.CharField(_("by"), max_length=150, help_text=_("Who asked for it."))
    reason = models.TextField(_("reason"), blank=True, help_text=_("Why."))
    process = models.PositiveIntegerField(help_text=_("The process that works on it."))
    state = models.CharField(_("state"), max_length=8, choices=State, default=State.RUNNING)
    step = models.CharField(max_length=32, blank=True, help_text=_("The last step that was begun."))
    steps = models.JSONField(default=list, help_text=_("Each step that ended, and its seconds."))
    found = models.JSONField(default=dict, help_text=_("What the check found: accuracy on the canary set."))
    error = models.TextField(_("error"), blank=True, help_text=_("Why it was refused or undone."))
    percent = models.FloatField(_("percent"), null=True, help_text=_("A canary's share of the requests, 0.01 to 100."))
    shadow = models.BooleanField(default=False, help_text=_("The canary sees copies; its answers are only compared."))
    share_from = models.DateTimeField(null=True, help_text=_("When the canary's share began."))
    share_until = models.DateTimeField(null=True, help_text=_("When it ended."))
    started_at = models.DateTimeField(_("began"), default=timezone.now)
    finished_at = models.DateTimeField(_("ended"), null=True)

    class Meta:
        """The newest first."""

        verbose_name = _("roll-out")
        verbose_name_plural = _("roll-outs")
        ordering: ClassVar = ["-id"]

    def __str__(self) -> str:
        return f"{self.version or self.artifact}: {self.told_state}"

    @property
    def told_state(self) -> str:
        """The state in words; one that runs without a process waits for the next one."""
        if self.is_interrupted:
            return gettext("interrupted; the next deploy_model finishes or undoes it, rollback_model undoes it")
        if self.state == self.State.CANARY:
            shadow, canary = _("shadow, sees copies %s %% of the requests"), _("canary, answers %s %% of the requests")
            return str(shadow if self.shadow else canary) % f"{self.percent:g}"
        return self.get_state_display()

    @property
    def is_interrupted(self) -> bool:
        """Whether the process that worked on it is gone."""
        return self.state == self.State.RUNNING and not is_command(self.process)


class Comparison(models.Model):
    """One copy of a request that a shadow was asked: what the stable version answered, and what the shadow did."""

    roll_out = models.ForeignKey(RollOut, models.CASCADE, verbose_name=_("roll-out"), related_name="comparisons")
    image_id = models.CharField(_("image_id"), max_length=255)
    content_sha256 = models.CharField(
        _("SHA-256"), max_length=64, help_text=_("Of the image's bytes; names the kept file.")
    )
    request_id = models.CharField(max_length=64)
    stable_result = models.CharField(_("stable result"), max_length=8, choices=Prediction.Result)
    stable_score = models.FloatField(
        _("stable score"),
    )
    stable_ms = models.FloatField()
    shadow_result = models.CharField(_("shadow result"), max_length=8, choices=Prediction.Result, blank=True)
    shadow_score = models.FloatField(_("shadow score"), null=True)
    shadow_ms = models.FloatField()
    error_code = models.CharField(
        _("error code"), max_length=32, blank=True, help_text=_("Why the shadow did not answer.")
    )
    agrees = models.BooleanField(_("agree"), null=True, help_text=_("Nothing where the shadow did not answer."))
    created_at = models.DateTimeField(_("time"), default=timezone.now)

    class Meta:
        """The newest first."""

        verbose_name = _("comparison")
        verbose_name_plural = _("comparisons")
        ordering: ClassVar = ["-id"]
        indexes: ClassVar = [
            models.Index(fields=["roll_out", "agrees"]),  # the rate, and the photos on which they disagree
            models.Index(fields=["created_at"]),  # retention
        ]

    def __str__(self) -> str:
        return f"{self.image_id}: {self.stable_result}, {self.shadow_result or self.error_code}"
