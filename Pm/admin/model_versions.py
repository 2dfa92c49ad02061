"""Model versions, activated and rolled back; their roll-outs and what a shadow answered."""

from pathlib import Path

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.helpers import ActionForm
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.html import format_html

from Pm import artifacts, roll_out_command
from Pm.admin.lists import BriefPaginator, ReadOnlyAdmin
from Pm.canary_report import canary_report, report_text
from Pm.errors import RollOutError
from Pm.models import Comparison, ModelVersion, RollOut
from Pm.selectors import answer_count

STARTED = "The roll-out has begun; the list of roll-outs shows how it goes on."


class RollOutForm(ActionForm):
    """Beside the list's actions: why, and a canary's share."""

    reason = forms.CharField(required=False, max_length=1000, widget=forms.TextInput(attrs={"placeholder": "reason"}))
    percent = forms.CharField(required=False, label="Canary's %", initial="5", widget=forms.TextInput({"size": 4}))
    shadow = forms.BooleanField(required=False, label="Only a shadow")


@admin.register(ModelVersion)
class ModelVersionAdmin(ReadOnlyAdmin):
    """Each version that ever passed its check; the roll-outs of manage.py deploy_model, rollback_model and canary."""

    list_display = ("version", "is_active", "answers", "last_activated", "sha256", "created_at")
    search_fields = ("version", "sha256")
    action_form = RollOutForm
    actions = ("activate", "roll_back", "start_canary", "promote_canary", "abort_canary")

    def get_queryset(self, request: HttpRequest) -> QuerySet[ModelVersion]:
        """The versions, with what their columns need."""
        versions: QuerySet[ModelVersion] = super().get_queryset(request)
        return versions.annotate(answers=answer_count()).prefetch_related("roll_outs")

    @admin.display(boolean=True)
    def is_active(self, version: ModelVersion) -> bool:
        """Whether the primary's pointer names it."""
        active = artifacts.pointed_at(artifacts.SLOTS[0])
        return version.version == (active or artifacts.read_manifest(artifacts.DEFAULT)["version"])

    def answers(self, version: ModelVersion) -> int:
        """Requests that it answered, also those whose records retention has deleted."""
        return int(version.answers)  # type: ignore[attr-defined]  # annotated

    def last_activated(self, version: ModelVersion) -> str:
        """When, by whom and why."""
        done = [row for row in version.roll_outs.all() if row.state == RollOut.State.DONE]
        return f"{done[0].finished_at:%Y-%m-%d %H:%M} UTC, {done[0].by}: {done[0].reason or '-'}" if done else "-"

    def has_activate_permission(self, request: HttpRequest) -> bool:
        """Whether the user may change what is served."""
        return request.user.has_perm("Pm.activate_modelversion")

    @admin.action(description="Activate the selected version", permissions=["activate"])
    def activate(self, request: HttpRequest, versions: QuerySet[ModelVersion]) -> None:
        """Roll one version out."""
        if folder := self._folder(request, versions):
            self._start(request, "deploy_model", str(folder))

    @admin.action(description="Start a canary of the selected version", permissions=["activate"])
    def start_canary(self, request: HttpRequest, versions: QuerySet[ModelVersion]) -> None:
        """Have the backup serve one version to a share of the requests."""
        if folder := self._folder(request, versions):
            share = [f"--percent={request.POST.get('percent', '')}"]
            self._start(request, "canary", str(folder), *share, *(["--shadow"] if "shadow" in request.POST else []))

    @admin.action(description="Promote the canary that runs", permissions=["activate"])
    def promote_canary(self, request: HttpRequest, _: QuerySet[ModelVersion]) -> None:
        """Have both servers serve it, whatever is selected."""
        self._start(request, "canary", "--promote")

    @admin.action(description="Abort the canary that runs", permissions=["activate"])
    def abort_canary(self, request: HttpRequest, _: QuerySet[ModelVersion]) -> None:
        """Give its share and the backup back, whatever is selected."""
        self._start(request, "canary", "--abort")

    @admin.action(description="Roll back to what was served before", permissions=["activate"])
    def roll_back(self, request: HttpRequest, _: QuerySet[ModelVersion]) -> None:
        """Go back to the version that was served before the active one, whatever is selected."""
        self._start(request, "rollback_model")

    def _folder(self, request: HttpRequest, versions: QuerySet[ModelVersion]) -> Path | None:
        """The artifact of the one that is selected; else the user is told why there is none."""
        if len(versions) != 1:
            self.message_user(request, "Select one version.", messages.ERROR)
            return None
        folder = artifacts.folder_of(versions[0].version)
        if not folder.exists():  # it ships with the product, or retention has removed it
            folder = artifacts.DEFAULT
            if artifacts.read_manifest(folder)["version"] != versions[0].version:
                text = f"Version {versions[0]} is no longer kept (MODEL_VERSIONS_KEPT): deploy its artifact again."
                self.message_user(request, text, messages.ERROR)
                return None
        return folder

    def _start(self, request: HttpRequest, command: str, *arguments: str) -> None:
        reason = request.POST.get("reason", "")
        try:
            roll_out_command.start(command, *arguments, f"--by={request.user}", f"--reason={reason}")
        except RollOutError as exc:
            self.message_user(request, str(exc), messages.ERROR)
        else:
            self.message_user(request, STARTED)


@admin.register(RollOut)
class RollOutAdmin(ReadOnlyAdmin):
    """How each roll-out went, the newest first; a canary's page shows both versions side by side."""

    list_display = ("started_at", "version", "told_state", "percent", "by", "reason", "step", "seconds", "error")
    list_filter = ("state", "started_at")
    list_select_related = ("version",)
    readonly_fields = ("side_by_side",)

    def seconds(self, row: RollOut) -> float | None:
        """From its beginning to its end."""
        return round((row.finished_at - row.started_at).total_seconds(), 1) if row.finished_at else None

    def side_by_side(self, row: RollOut) -> str:
        """A canary's report, as manage.py canary --report prints it."""
        return "-" if row.percent is None else format_html("<pre>{}</pre>", report_text(canary_report(row)))


@admin.register(Comparison)
class ComparisonAdmin(ReadOnlyAdmin):
    """What a shadow answered beside the stable version: filter for those that do not agree."""

    list_display = (
        "created_at",
        "image_id",
        "agrees",
        "stable_result",
        "stable_score",
        "shadow_result",
        "shadow_score",
        "error_code",
        "content_sha256",
        "roll_out",
    )
    list_filter = ("agrees", "created_at")
    list_select_related = ("roll_out__version",)
    sortable_by = ()
    paginator = BriefPaginator
    search_fields = ("image_id__exact", "content_sha256__exact", "request_id__exact")
    show_full_result_count = False
