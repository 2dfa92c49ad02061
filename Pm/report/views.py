"""The report's page in the admin, and its tables for spreadsheets."""

from collections.abc import Callable
from typing import Any, NamedTuple

from django.conf import settings
from django.contrib import admin
from django.contrib.auth.decorators import permission_required
from django.db import OperationalError
from django.http import FileResponse, Http404, HttpRequest, HttpResponseBase, StreamingHttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from Pm.report.accuracy import Accuracy, accuracy
from Pm.report.addresses import address, preset_links, sort_links
from Pm.report.chart import chart
from Pm.report.exports import csv_lines, xlsx_file
from Pm.report.filters import FilterForm, Filters
from Pm.report.listing import DEFAULT_SORT, listing
from Pm.report.selectors import Report, report
from Pm.report.tables import period_name, tables
from Pm.selectors import posted_by_clients

PAGE = "admin:report"
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
View = Callable[..., HttpResponseBase]


class Found(NamedTuple):
    """What the database said."""

    report: Report
    accuracy: Accuracy


def _may_see(view: View) -> View:
    return permission_required("Pm.view_report", raise_exception=True)(view)


@_may_see
def report_page(request: HttpRequest) -> HttpResponseBase:
    """The page; what it was asked wrongly it says on itself."""
    form = FilterForm(request.GET)
    context = {**admin.site.each_context(request), "title": _("Report"), "form": form, "zone": _zone()}
    filters = form.filters() if form.is_valid() else None
    context["presets"] = preset_links(request.GET, filters.period if filters else "")
    if filters is None:
        return render(request, "Pm/report/page.html", context)
    try:
        found = _find(filters)
    except OperationalError:  # the database's limit on one statement, or the database itself
        return render(request, "Pm/report/page.html", {**context, "took_too_long": True})
    return render(request, "Pm/report/page.html", {**context, **_shown(request, filters, found)})


def _shown(request: HttpRequest, filters: Filters, found: Found) -> dict[str, Any]:
    institutions = listing(
        found.report.institutions, request.GET.get("sort", DEFAULT_SORT), request.GET.get("page", "1")
    )
    return {
        "filters": filters,
        "period": period_name(filters),
        "report": found.report,
        "accuracy": found.accuracy,
        "accuracies": [*found.accuracy.versions, found.accuracy.total],
        "chart": chart(found.report.days),
        "institutions": institutions,
        "sorts": sort_links(request.GET, institutions.sort),
        "previous_url": address(request.GET, page=institutions.previous or None),
        "next_url": address(request.GET, page=institutions.next or None),
        "all_url": address(request.GET, page="all"),
        "everything_url": address(request.GET, period="all", first=None, last=None, page=None),
        "query": request.GET.urlencode(),
        # As text: a template would say it in UTC.
        "as_of": f"{timezone.localtime(found.report.as_of, _zone()):%Y-%m-%d %H:%M:%S}",
        "labelling_url": reverse("admin:labelling") if request.user.has_perm("Pm.label_photo") else "",
        "is_empty": not found.report.total.tally.total and not posted_by_clients().exists(),
    }


@_may_see
def report_csv(request: HttpRequest, slug: str) -> HttpResponseBase:
    """One table."""
    if (asked := _asked(request)) is None:
        return redirect(f"{reverse(PAGE)}?{request.GET.urlencode()}")
    filters, found = asked
    table = next((table for table in tables(*found) if table.slug == slug), None)
    if table is None:
        raise Http404(slug)
    headers = {"Content-Disposition": f'attachment; filename="{_file_name(filters, slug)}.csv"'}
    return StreamingHttpResponse(csv_lines(table), content_type="text/csv; charset=utf-8", headers=headers)


@_may_see
def report_xlsx(request: HttpRequest) -> HttpResponseBase:
    """All tables, one a sheet."""
    if (asked := _asked(request)) is None:
        return redirect(f"{reverse(PAGE)}?{request.GET.urlencode()}")
    filters, found = asked
    name = f"{_file_name(filters)}.xlsx"
    return FileResponse(xlsx_file(tables(*found)), as_attachment=True, filename=name, content_type=XLSX)


def _asked(request: HttpRequest) -> tuple[Filters, Found] | None:
    """What a file shall hold; nothing where the page has to say why not."""
    form = FilterForm(request.GET)
    try:
        return (form.filters(), _find(form.filters())) if form.is_valid() else None
    except OperationalError:
        return None


def _find(filters: Filters) -> Found:
    return Found(report(filters), accuracy())


def _zone() -> Any:  # noqa: ANN401 - a ZoneInfo; GatewaySettings is server's
    return settings.GATEWAY.report_time_zone


def _file_name(filters: Filters, *parts: str) -> str:
    """Such as pm-report-institutions-2026-10-22-2026-11-20."""
    days = [str(day) for day in filters.days if day]
    return "-".join(["pm-report", *parts, *(days or ["all"])])
