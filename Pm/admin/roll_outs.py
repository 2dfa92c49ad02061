"""How roll-outs went, and what a shadow answered."""

from django.contrib import admin
from django.template.loader import render_to_string
from django.utils.translation import gettext_lazy as _
from unfold.decorators import display

from Pm.admin.lists import BriefPaginator, ReadOnlyAdmin
from Pm.canary_report import canary_report, percent_text, report_rows
from Pm.models import Comparison, RollOut
from Pm.photos.columns import column
from Pm.versions.selectors import steps_of

STATES = {
    "running": "info",
    "canary": "info",
    "done": "success",
    "refused": "warning",
    "undone": "warning",
    "failed": "danger",
}


@admin.register(RollOut)
class RollOutAdmin(ReadOnlyAdmin):
    """How each roll-out went, the newest first; a canary's page shows both versions side by side."""

    list_display = ("started_at", "version", "state_label", "percent", "by", "reason", "seconds", "error")
    list_filter = ("state", "started_at")
    list_select_related = ("version",)
    fields = (
        "version",
        "told_state",
        "by",
        "reason",
        "started_at",
        "finished_at",
        "told_steps",
        "error",
        "side_by_side",
    )
    readonly_fields = fields

    @display(description=_("State"), label=STATES)  # type: ignore[untyped-decorator]
    def state_label(self, row: RollOut) -> tuple[str, str]:
        """The state, and its words."""
        return row.state, row.told_state

    @admin.display(description=_("State"))
    def told_state(self, row: RollOut) -> str:
        """Its words alone: only a list draws unfold's labels."""
        return row.told_state

    @admin.display(description=_("Seconds"))
    def seconds(self, row: RollOut) -> float | None:
        """From its beginning to its end."""
        return round((row.finished_at - row.started_at).total_seconds(), 1) if row.finished_at else None

    @admin.display(description=_("Steps"))
    def told_steps(self, row: RollOut) -> str:
        """Each step, and its seconds."""
        steps = [f"{each.name} {'…' if each.seconds is None else each.seconds} s" for each in steps_of(row)]
        return ", ".join(steps) or "-"

    @admin.display(description=_("Side by side"))
    def side_by_side(self, row: RollOut) -> str:
        """A canary's report, as manage.py canary --report prints it."""
        if row.percent is None:
            return "-"
        report = canary_report(row)
        agreed = percent_text(report.agreed, report.canary.answered)
        context = {"report": report, "rows": report_rows(report), "agreed_percent": agreed}
        return render_to_string("Pm/models/side_by_side.html", context)


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
        "roll_out",
    )
    fields = (
        "roll_out",
        "image_id",
        "content_sha256",
        column("request_id", _("Request id")),
        "stable_result",
        "stable_score",
        column("stable_ms", _("stable, milliseconds")),
        "shadow_result",
        "shadow_score",
        column("shadow_ms", _("shadow, milliseconds")),
        "error_code",
        "agrees",
        "created_at",
    )
    readonly_fields = fields
    list_filter = ("agrees", "created_at")
    list_select_related = ("roll_out__version",)
    sortable_by = ()
    paginator = BriefPaginator
    search_fields = ("image_id__exact", "content_sha256__exact", "request_id__exact")
    show_full_result_count = False
