"""manage.py rollback_model: makes both servers serve what they served before the last roll-out."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from Pm.management.roll_out import add_who_and_why, carry_out
from Pm.rollout import roll_back


class Command(BaseCommand):
    help = "Go back to the version that was served before; a roll-out that was interrupted is undone instead."

    def add_arguments(self, parser: ArgumentParser) -> None:
        add_who_and_why(parser)

    def handle(self, *_: object, by: str, reason: str, language: str, **__: Any) -> None:  # noqa: ANN401
        carry_out(self, lambda say: roll_back(by=by, reason=reason, say=say), language)
