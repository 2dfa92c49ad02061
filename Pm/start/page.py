"""The admin's first page: what to do next where nothing was posted yet, and else how the day goes."""

from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.contrib.auth.models import AnonymousUser, User
from django.db.models import Count, Q
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from Pm.labelling.selectors import waiting
from Pm.models import ApiKey, Prediction
from Pm.report.day import report_day
from Pm.selectors import NO_DATABASE, OK, posted_by_clients, readiness
from Pm.versions.selectors import active_version

CURL = """printf '{{"image_id": "12345", "image_base64": "%s"}}' "$(base64 < photo.jpg)" | tr -d '\\n' |
  curl --data-binary @- -H 'Content-Type: application/json'{key} {url}"""
KEY_HEADER = " \\\n  -H 'Authorization: Api-Key YOUR_KEY'"
STATES = {  # of Pm.selectors.database_state and Pm.client.server_state
    OK: _("ok"),
    NO_DATABASE: _("unreachable, or not migrated"),
    "ready": _("ready"),
    "not ready": _("not ready"),
    "timed out": _("timed out"),
    "unreachable": _("unreachable"),
}


@dataclass(frozen=True)
class Today:
    """What was posted on this day of the report's time zone."""

    photos: int
    online: int
    refused: int

    @property
    def online_percent(self) -> float | None:
        """Of those that were answered."""
        answered = self.photos - self.refused
        return 100 * self.online / answered if answered else None


@dataclass(frozen=True)
class Part:
    """One thing that the product needs, and how it is."""

    name: Promise | str
    state: str
    is_ok: bool


def start_context(request: HttpRequest, context: dict[str, Any]) -> dict[str, Any]:
    """What the page shows to this user (unfold's DASHBOARD_CALLBACK)."""
    may = request.user.has_perm
    is_empty = not posted_by_clients().exists()
    context["is_empty"] = is_empty
    if is_empty:
        context["curl"] = curl_line(request)
        context["has_key"] = ApiKey.objects.filter(revoked=False).exists()
        context["needs_key"] = settings.GATEWAY.require_api_key
    elif may("Pm.view_prediction"):
        context["today"] = today()
        context["today_url"] = f"{reverse('admin:Pm_prediction_changelist')}?day__exact={report_day(timezone.now())}"
    context["waiting"] = labelling(request.user)
    context["parts"] = health() if may("Pm.view_modelversion") else []
    context["active_version"] = active_version() if may("Pm.view_modelversion") else ""
    return context


def curl_line(request: HttpRequest) -> str:
    """A command that posts one photo to where this page came from."""
    key = KEY_HEADER if settings.GATEWAY.require_api_key else ""
    return CURL.format(key=key, url=request.build_absolute_uri("/api/v1/get_pm"))


def today() -> Today:
    """Reads nothing but the index of the report, which has no primary key in PostgreSQL: hence no Count("pk")."""
    counts = (
        Prediction.objects.filter(day=report_day(timezone.now()))
        .order_by()
        .aggregate(photos=Count("*"), online=Count("result", Q(result="online")), refused=Count("result", Q(result="")))
    )
    return Today(**counts)


def labelling(user: User | AnonymousUser) -> int | None:
    """How many photos wait for a label; nothing for whom that does not concern."""
    return sum(row.photos for row in waiting()) if user.has_perm("Pm.label_photo") else None


def health() -> list[Part]:
    """The database and each model server, asked now."""
    checks = readiness().checks
    names = {"database": _("database")}
    return [
        Part(names.get(name, name), told(state), state == OK or state.startswith("ready"))
        for name, state in checks.items()
    ]


def told(state: str) -> str:
    """A state of /readyz in the reader's language; what stands in brackets is a version, or a server's own words."""
    word, bracket, rest = state.partition(" (")
    return f"{STATES.get(word, word)}{bracket}{rest}"
