"""Model versions: what was measured of them, what is served now, and every change of that."""

from pathlib import Path
from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import URLPattern, path
from django.utils import timezone
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _
from unfold.views import ChangeList

from Pm import artifacts, background, canary
from Pm.admin.lists import ReadOnlyAdmin
from Pm.errors import RollOutError
from Pm.models import ModelVersion, RollOut
from Pm.selectors import answer_count
from Pm.versions.selectors import LAST_ROLL_OUTS, active_version, default_version, facts_of, models_now, share

MAX_REASON_CHARACTERS = 1000  # as the page's forms have it; a command line takes some more
STARTED = _("The roll-out has begun; this page shows how it goes on.")


class VersionList(ChangeList):
    """The versions, with what their columns need."""

    def get_queryset(self, request: HttpRequest, exclude_parameters: list[str] | None = None) -> QuerySet[ModelVersion]:
        """Counting reads an index for each version."""
        versions: QuerySet[ModelVersion] = super().get_queryset(request, exclude_parameters)
        return versions.annotate(answers=answer_count()).prefetch_related("roll_outs")


@admin.register(ModelVersion)
class ModelVersionAdmin(ReadOnlyAdmin):
    """Each version that ever passed its check; the roll-outs of manage.py deploy_model, rollback_model and canary."""

    list_display = ("version", "is_active", "mean_accuracy", "ece", "answers", "last_activated", "created_at")
    search_fields = ("version", "sha256")
    fields = ("version", "created_at", "manifest")
    actions = ("activate", "roll_back", "start_canary", "change_canary", "promote_canary", "abort_canary")
    list_before_template = "Pm/models/list_before.html"
    list_after_template = "Pm/models/list_after.html"
    change_form_outer_before_template = "Pm/models/version_before.html"

    def get_urls(self) -> list[URLPattern]:
        """The list's, and the part of it that is asked for again and again."""
        return [path("now/", self.admin_site.admin_view(self.now_view), name="models_now"), *super().get_urls()]

    def now_view(self, request: HttpRequest) -> HttpResponse:
        """What is served now, and what is under way."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        return render(request, "Pm/models/now.html", {"now": models_now()})

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """The list, between what is served now and who changed that."""
        active = ModelVersion.objects.filter(version=active_version()).first() or ModelVersion.objects.first()
        extra = {
            "now": models_now(),
            "history": RollOut.objects.select_related("version")[:LAST_ROLL_OUTS],
            "may_activate": self.has_activate_permission(request),
            "active_pk": active.pk if active else "",
        }
        page: HttpResponse = super().changelist_view(request, {**(extra_context or {}), **extra})
        return page

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """One version: what was measured of it, and the ways to serve it."""
        version = self.get_object(request, object_id)
        extra = {
            "facts": facts_of(version) if version else [],
            "is_active": bool(version) and version.version == active_version(),
            "may_activate": self.has_activate_permission(request),
        }
        page: HttpResponse = super().change_view(request, object_id, form_url, {**(extra_context or {}), **extra})
        return page

    def get_actions(self, request: HttpRequest) -> Any:  # noqa: ANN401 - Django's
        """What the page's own forms post, which ask why; the list has no bar that would not."""
        return super().get_actions(request) if request.method == "POST" else {}

    def get_changelist(self, request: HttpRequest, **_kwargs: object) -> type[VersionList]:  # noqa: ARG002
        """With the counts, which no other page shows."""
        return VersionList

    @admin.display(boolean=True, description=_("Served"))
    def is_active(self, version: ModelVersion) -> bool:
        """Whether the primary's pointer names it."""
        return version.version == active_version()

    @admin.display(description=_("Mean accuracy"))
    def mean_accuracy(self, version: ModelVersion) -> str:
        """As its manifest says; on which pictures stands on its page."""
        return share((version.manifest.get("metrics") or {}).get("mean_accuracy")) or "-"

    @admin.display(description=_("ECE"))
    def ece(self, version: ModelVersion) -> str:
        """How far its scores are from the truth, on average."""
        return share((version.manifest.get("metrics") or {}).get("ece")) or "-"

    @admin.display(description=_("Answers"))
    def answers(self, version: ModelVersion) -> int:
        """Requests that it answered, also those whose records retention has deleted."""
        return int(version.answers)  # type: ignore[attr-defined]  # annotated

    @admin.display(description=_("Last activated"))
    def last_activated(self, version: ModelVersion) -> str:
        """When, by whom and why."""
        done = [row for row in version.roll_outs.all() if row.state == RollOut.State.DONE]
        if not done:
            return "-"
        return f"{timezone.localtime(done[0].started_at):%Y-%m-%d %H:%M}, {done[0].by}: {done[0].reason or '-'}"

    def has_activate_permission(self, request: HttpRequest) -> bool:
        """Whether the user may change what is served."""
        return request.user.has_perm("Pm.activate_modelversion")

    @admin.action(permissions=["activate"])
    def activate(self, request: HttpRequest, versions: QuerySet[ModelVersion]) -> None:
        """Roll one version out."""
        if folder := self._folder(request, versions):
            self._start(request, "deploy_model", str(folder))

    @admin.action(permissions=["activate"])
    def start_canary(self, request: HttpRequest, versions: QuerySet[ModelVersion]) -> None:
        """Have the backup serve one version to a share of the requests."""
        if (folder := self._folder(request, versions)) and (percent := self._percent(request)):
            self._start(request, "canary", str(folder), percent, *(["--shadow"] if "shadow" in request.POST else []))

    @admin.action(permissions=["activate"])
    def change_canary(self, request: HttpRequest, _versions: QuerySet[ModelVersion]) -> None:
        """Give it another share of the requests, whatever is selected."""
        if percent := self._percent(request):
            self._start(request, "canary", percent)

    @admin.action(permissions=["activate"])
    def promote_canary(self, request: HttpRequest, _versions: QuerySet[ModelVersion]) -> None:
        """Have both servers serve it, whatever is selected."""
        self._start(request, "canary", "--promote")

    @admin.action(permissions=["activate"])
    def abort_canary(self, request: HttpRequest, _versions: QuerySet[ModelVersion]) -> None:
        """Give its share and the backup back, whatever is selected."""
        self._start(request, "canary", "--abort")

    @admin.action(permissions=["activate"])
    def roll_back(self, request: HttpRequest, _versions: QuerySet[ModelVersion]) -> None:
        """Go back to the version that was served before the active one, whatever is selected."""
        self._start(request, "rollback_model")

    def _folder(self, request: HttpRequest, versions: QuerySet[ModelVersion]) -> Path | None:
        """The artifact of the one that is selected; else the user is told why there is none."""
        if len(versions) != 1:
            self.message_user(request, _("Select one version."), messages.ERROR)
            return None
        folder = artifacts.folder_of(versions[0].version)
        if not folder.exists():  # it ships with the product, or retention has removed it
            folder = artifacts.DEFAULT
            if versions[0].version != default_version():
                told = _("Version %s is no longer kept (MODEL_VERSIONS_KEPT): deploy its artifact again.")
                text = told % versions[0]
                self.message_user(request, text, messages.ERROR)
                return None
        return folder

    def _percent(self, request: HttpRequest) -> str:
        """The command's option for the share; empty where it is none, of which the user is told."""
        text = request.POST.get("percent", "")
        percent = canary.percent_of(text)
        if percent is None:
            told = _("A canary's share is a number from %(least)s to %(most)s, not “%(text)s”.")
            limits = {"least": canary.LEAST_PERCENT, "most": canary.MOST_PERCENT, "text": text}
            self.message_user(request, told % limits, messages.ERROR)
            return ""
        return f"--percent={percent:.10g}"  # not as it was written: a command line takes no thousands of zeros

    def _start(self, request: HttpRequest, command: str, *arguments: str) -> None:
        reason = request.POST.get("reason", "").strip()
        if not 0 < len(reason) <= MAX_REASON_CHARACTERS:
            told = _("Say why, in %d characters at most: it stays in the record.") % MAX_REASON_CHARACTERS
            self.message_user(request, told, messages.ERROR)
            return
        try:
            language = f"--language={get_language()}"
            background.start(command, *arguments, f"--by={request.user}", f"--reason={reason}", language)
        except RollOutError as exc:
            self.message_user(request, str(exc), messages.ERROR)
        else:
            self.message_user(request, STARTED)
