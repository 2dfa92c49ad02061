"""manage.py deploy_model: checks a model artifact and makes both servers serve it, without a pause."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand

from Pm.management.roll_out import add_canary_set, add_who_and_why, canary_set, carry_out
from Pm.models import RollOut
from Pm.roll_out_steps import Say
from Pm.rollout import roll_out


class Command(BaseCommand):
    help = (
        "Check a model artifact off-line, then make both servers serve it, one after the other. "
        "Whatever goes wrong, both serve what they served before. A roll-out that was interrupted is settled first."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "artifact",
            type=Path,
            help="its folder; var/models/VERSION for one that was deployed before, "
            "resnet_server/default_model for the one that ships",
        )
        add_canary_set(parser)
        add_who_and_why(parser)

    def handle(
        self,
        *_: object,
        artifact: Path,
        by: str,
        reason: str,
        **options: Any,  # noqa: ANN401
    ) -> None:
        pictures = canary_set(options["canary_set"], options["min_accuracy"])

        def change(say: Say) -> RollOut:
            return roll_out(artifact=artifact, by=by, reason=reason, canary_set=pictures, say=say)

        carry_out(self, change, options["language"])
