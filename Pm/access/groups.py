"""The four groups of the admin's users, made and kept complete after each migrate."""

from typing import Any

from django.apps import apps
from django.apps.registry import Apps
from django.db.models import Q

VIEWER = "viewer"
LABELLER = "labeller"
OPERATOR = "operator"
ADMINISTRATOR = "administrator"

_VIEWED = (
    "view_prediction",
    "view_modelversion",
    "view_rollout",
    "view_comparison",
    "view_report",
    "view_photo",
)
_LABELLED = (*_VIEWED, "label_photo")
_OPERATED = (*_VIEWED, "activate_modelversion")
PERMISSIONS: dict[str, tuple[str, ...]] = {VIEWER: _VIEWED, LABELLER: _LABELLED, OPERATOR: _OPERATED}
PEOPLE = Q(content_type__app_label="auth", content_type__model__in=("user", "group")) | Q(
    codename__in=("view_accessattempt", "delete_accessattempt", "view_accesslog")
)


def groups_ensure(*, apps: Apps = apps, **_: Any) -> None:  # noqa: ANN401 - a signal's arguments
    """Give each group what it is meant to have; what somebody added by hand stays.

    Django calls this after each migrate, when the permissions of all apps are made (Pm stands last in INSTALLED_APPS);
    `apps` are the tables as they are then: migrating to before there were groups is none of our business.
    """
    if "group" not in apps.all_models["auth"]:
        return
    group_model = apps.get_model("auth", "Group")
    permission_model = apps.get_model("auth", "Permission")
    ours = permission_model.objects.filter(content_type__app_label="Pm")
    for name, codenames in PERMISSIONS.items():
        group_model.objects.get_or_create(name=name)[0].permissions.add(*ours.filter(codename__in=codenames))
    everything = permission_model.objects.filter(Q(content_type__app_label="Pm") | PEOPLE)
    group_model.objects.get_or_create(name=ADMINISTRATOR)[0].permissions.add(*everything)
