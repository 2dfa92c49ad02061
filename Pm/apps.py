"""Tells Django of the app."""

from typing import Any

from django.apps import AppConfig, apps
from django.apps.registry import Apps
from django.db.models.signals import post_migrate


class PmConfig(AppConfig):
    """Class photos, offline or online."""

    name = "Pm"
    verbose_name = "Pm"

    def ready(self) -> None:
        """Have the model that ships among the versions, and the users' groups, from the first start on."""
        from Pm.access.groups import groups_ensure

        post_migrate.connect(register_default_model, sender=self)
        post_migrate.connect(groups_ensure, sender=self)


def register_default_model(*, apps: Apps = apps, **_: Any) -> None:  # noqa: ANN401 - a signal's arguments
    """Record the default model; Django calls this after each migrate, so after each upgrade of the product.

    `apps` are the tables as they are then: migrating back to before they were made is none of our business.
    """
    from Pm.artifacts import DEFAULT
    from Pm.roll_out_steps import version_register

    if "modelversion" in apps.all_models["Pm"]:
        version_register(DEFAULT)
