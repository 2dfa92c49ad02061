"""Tells Django's admin which site is ours."""

from django.contrib.admin.apps import AdminConfig


class PmAdminConfig(AdminConfig):
    """Stands in INSTALLED_APPS in place of django.contrib.admin."""

    default_site = "Pm.admin_site.PmAdminSite"
