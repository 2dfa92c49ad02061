"""Clients' API keys: what a key may do, how often, until when."""

from django.db import models
from django.utils.translation import gettext_lazy as _
from rest_framework_api_key.models import AbstractAPIKey


class Scope(models.TextChoices):
    """What a key may be let do."""

    CLASSIFY = "classify", _("Classify photos: POST /api/v1/get_pm")
    METRICS = "metrics", _("Read the gateway's numbers: GET /api/v1/metrics")


def classify_only() -> list[str]:
    """The scopes of a key of which nothing else is said."""
    return [Scope.CLASSIFY.value]


class ApiKey(AbstractAPIKey):
    """A client's key, kept as a SHA-512 hash: a key is 32 random characters, which no dictionary guesses."""

    # As the library has them, with names that are translated.
    name = models.CharField(_("name"), max_length=50, default=None, help_text=_("Shown in the records and logs."))
    prefix = models.CharField(_("prefix"), max_length=8, unique=True, editable=False)
    created = models.DateTimeField(_("created"), auto_now_add=True, db_index=True)
    revoked = models.BooleanField(_("revoked"), blank=True, default=False)
    expiry_date = models.DateTimeField(_("expires"), blank=True, null=True, help_text=_("Empty: never."))
    scopes = models.JSONField(_("scopes"), default=classify_only, help_text=_("What the key may do."))
    requests_per_minute = models.PositiveIntegerField(
        _("requests per minute"), default=0, help_text=_("More are answered 429; 0 is no limit of its own.")
    )
    last_used_at = models.DateTimeField(_("last used"), null=True, editable=False)
    counted_minute = models.BigIntegerField(default=0, editable=False, help_text="Minutes since 1970.")
    counted = models.PositiveIntegerField(default=0, editable=False, help_text="Requests let in, in that minute.")

    class Meta(AbstractAPIKey.Meta):
        """The newest first."""

        ordering = ("-created",)
        verbose_name = _("API key")  # type: ignore[assignment] # the library says str
        verbose_name_plural = _("API keys")  # type: ignore[assignment]
