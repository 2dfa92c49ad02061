"""How the admin looks: unfold's settings, and what stands in its sidebar for whom."""

from collections.abc import Callable
from typing import Any

from django.http import HttpRequest
from django.templatetags.static import static
from django.urls import reverse_lazy
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

Entry = dict[str, Any]


def _may(permission: str) -> Callable[[HttpRequest], bool]:
    return lambda request: request.user.has_perm(permission)


def _entry(title: Promise, icon: str, view: str, permission: str) -> Entry:
    """One line of the sidebar; icons are named at https://fonts.google.com/icons (unfold ships the font)."""
    return {"title": title, "icon": icon, "link": reverse_lazy(f"admin:{view}"), "permission": _may(permission)}


SIDEBAR: list[dict[str, Any]] = [
    {"items": [{"title": _("Start"), "icon": "home", "link": reverse_lazy("admin:index")}]},
    {
        "title": _("Photos"),
        "items": [
            _entry(_("Photos"), "photo_library", "Pm_prediction_changelist", "Pm.view_prediction"),
            _entry(_("Report"), "bar_chart", "report", "Pm.view_report"),
            _entry(_("Labelling"), "label", "labelling", "Pm.label_photo"),
            _entry(_("Progress"), "monitoring", "labelling_progress", "Pm.label_photo"),
            _entry(_("Label set"), "collections_bookmark", "Pm_photo_changelist", "Pm.view_photo"),
            _entry(_("Import"), "upload", "photo_import", "Pm.import_photo"),
        ],
    },
    {
        "title": _("Models"),
        "items": [
            _entry(_("Versions"), "deployed_code", "Pm_modelversion_changelist", "Pm.view_modelversion"),
            _entry(_("Roll-outs"), "rocket_launch", "Pm_rollout_changelist", "Pm.view_rollout"),
            _entry(_("Comparisons"), "compare", "Pm_comparison_changelist", "Pm.view_comparison"),
        ],
    },
    {
        "title": _("Access"),
        "items": [
            _entry(_("API keys"), "key", "Pm_apikey_changelist", "Pm.view_apikey"),
            _entry(_("Users"), "person", "auth_user_changelist", "auth.view_user"),
            _entry(_("Groups"), "group", "auth_group_changelist", "auth.view_group"),
            _entry(_("Failed log-ins"), "lock", "axes_accessattempt_changelist", "axes.view_accessattempt"),
            _entry(_("Log-ins"), "login", "axes_accesslog_changelist", "axes.view_accesslog"),
        ],
    },
]

THEME: dict[str, Any] = {
    "SITE_TITLE": "Pm",
    "SITE_HEADER": "Pm",
    "SITE_SUBHEADER": _("Offline or online?"),
    "SITE_SYMBOL": "cast_for_education",
    "SITE_URL": None,
    "SITE_FAVICONS": [
        {"rel": "icon", "type": "image/svg+xml", "href": lambda _request: static("Pm/icon.svg")},
    ],
    "DASHBOARD_CALLBACK": "Pm.start.page.start_context",
    "LOGIN": {"form": "Pm.access.forms.LogInForm"},
    "SHOW_LANGUAGES": True,
    "SHOW_BACK_BUTTON": True,
    "BORDER_RADIUS": None,
    "SCRIPTS": [lambda _request: static("Pm/htmx-config.js")],
    "STYLES": [lambda _request: static("Pm/theme.css")],
    "SIDEBAR": {"navigation": SIDEBAR},
}
