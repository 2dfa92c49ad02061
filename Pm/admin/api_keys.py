"""Clients' API keys: made and shown once, limited, revoked."""

from datetime import datetime
from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.cache import add_never_cache_headers
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext
from rest_framework_api_key.models import APIKey as OldApiKey
from unfold.decorators import display
from unfold.widgets import UnfoldAdminCheckboxSelectMultipleWidget

from Pm.admin.lists import ListAdmin
from Pm.clients.services import MAX_PER_MINUTE, api_keys_revoke, name_problem
from Pm.models import ApiKey, Scope

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise

admin.site.unregister(OldApiKey)  # its table is only what the keys were copied from
STATES = {"valid": "success", "expired": "warning", "revoked": "danger"}


class ApiKeyForm(forms.ModelForm):  # type: ignore[type-arg] # not subscriptable at run time
    """What is said of a key; a key that may do nothing is of no use."""

    scopes = forms.MultipleChoiceField(
        label=_("Scopes"),
        choices=Scope.choices,
        widget=UnfoldAdminCheckboxSelectMultipleWidget,
        initial=[Scope.CLASSIFY],
    )

    class Meta:
        """What a person decides."""

        model = ApiKey
        fields = ("name", "scopes", "requests_per_minute", "expiry_date")

    def clean_name(self) -> str:
        """As manage.py create_api_key takes it: records and logs show it."""
        name = str(self.cleaned_data["name"])
        if problem := name_problem(name):
            raise ValidationError(problem)
        return name

    def clean_expiry_date(self) -> datetime | None:
        """A key that has expired already lets nobody in."""
        date: datetime | None = self.cleaned_data["expiry_date"]
        if date is not None and "expiry_date" in self.changed_data and date <= timezone.now():
            raise ValidationError(_("This is past; to end a key at once, revoke it."))
        return date

    def clean_requests_per_minute(self) -> int:
        """No more than anybody means."""
        limit = int(self.cleaned_data["requests_per_minute"])
        if limit > MAX_PER_MINUTE:
            raise ValidationError(_("At most %(most)s; 0 is no limit."), params={"most": MAX_PER_MINUTE})
        return limit


@admin.register(ApiKey)
class ApiKeyAdmin(ListAdmin):
    """Keys are never deleted: a revoked one says whose records these are."""

    form = ApiKeyForm
    list_display = ("name", "state", "told_scopes", "told_rate", "last_used_at", "expiry_date", "created", "prefix")
    list_filter = ("revoked",)
    search_fields = ("name", "prefix")
    actions = ("revoke",)
    ordering = ("-created",)

    def get_fields(self, request: HttpRequest, obj: ApiKey | None = None) -> tuple[str, ...]:  # noqa: ARG002
        """A new key has no past, and a revoked one no form."""
        asked = ("name", "told_scopes" if obj and obj.revoked else "scopes", "requests_per_minute", "expiry_date")
        return asked if obj is None else (*asked, "revoked", "prefix", "last_used_at", "created")

    def get_readonly_fields(self, request: HttpRequest, obj: ApiKey | None = None) -> tuple[str, ...]:  # noqa: ARG002
        """The name stands in the records already."""
        return () if obj is None else ("name", "told_scopes", "revoked", "prefix", "last_used_at", "created")

    def has_change_permission(self, request: HttpRequest, obj: ApiKey | None = None) -> bool:
        """A revoked key stays as it was."""
        return bool(super().has_change_permission(request, obj)) and not (obj and obj.revoked)

    def has_revoke_permission(self, request: HttpRequest) -> bool:
        """Who may change a key may end it."""
        return bool(super().has_change_permission(request))

    def has_delete_permission(self, request: HttpRequest, obj: ApiKey | None = None) -> bool:  # noqa: ARG002
        """Revoke it instead."""
        return False

    @display(description=_("State"), label=STATES)  # type: ignore[untyped-decorator]
    def state(self, key: ApiKey) -> "tuple[str, StrOrPromise]":
        """Whether it lets anybody in: the state, and its name."""
        if key.revoked:
            return "revoked", _("revoked")
        return ("expired", _("expired")) if key.has_expired else ("valid", _("valid"))

    @admin.display(description=_("Scopes"))
    def told_scopes(self, key: ApiKey) -> str:
        """What it may do, in short."""
        return ", ".join(key.scopes)

    @admin.display(description=_("Rate"), ordering="requests_per_minute")
    def told_rate(self, key: ApiKey) -> "StrOrPromise":
        """How often."""
        return _("%d a minute") % key.requests_per_minute if key.requests_per_minute else _("no limit")

    @admin.action(description=_("Revoke the selected keys, at once and for good"), permissions=["revoke"])
    def revoke(self, request: HttpRequest, keys: QuerySet[ApiKey]) -> None:
        """End keys; who did it is in their history."""
        ended = list(keys.filter(revoked=False))
        api_keys_revoke(ended)
        for key in ended:
            self.log_change(request, key, [{"changed": {"fields": ["Revoked"]}}])  # each reads it in their language
        text = ngettext("%d key is revoked.", "%d keys are revoked.", len(ended)) % len(ended)
        self.message_user(request, text, messages.SUCCESS)

    def save_model(self, request: HttpRequest, obj: ApiKey, form: ApiKeyForm, change: bool) -> None:  # noqa: FBT001
        """A new key's characters live until they are shown; of an old key no more is written than was changed.

        Who else revokes it, or uses it, while the form is answered has written other columns: they stay.
        """
        if change:
            obj.save(update_fields=form.changed_data)
            return
        request.META["PM_NEW_KEY"] = ApiKey.objects.assign_key(obj)
        super().save_model(request, obj, form, change)

    def response_add(self, request: HttpRequest, obj: ApiKey, post_url_continue: str | None = None) -> HttpResponse:  # noqa: ARG002
        """Show the key in the answer itself: nothing keeps it, no session and no message."""
        context: dict[str, Any] = {
            **self.admin_site.each_context(request),
            "title": _("The key of %s") % obj.name,
            "opts": self.opts,
            "record": obj,
            "key": request.META["PM_NEW_KEY"],
            "change_url": reverse("admin:Pm_apikey_change", args=[obj.pk]),
            "list_url": reverse("admin:Pm_apikey_changelist"),
        }
        response = render(request, "Pm/clients/new_key.html", context)
        add_never_cache_headers(response)
        return response
