"""Tells Django of the app."""

from django.apps import AppConfig


class PmConfig(AppConfig):
    """Class photos, offline or online."""

    name = "Pm"
    verbose_name = "Pm"
