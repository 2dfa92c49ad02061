"""manage.py deploy_model: checks a model artifact and makes both servers serve it, without a pause."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from Pm.management.roll_out import add_who_and_why, carry_out
from Pm.model_servers import Canary
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
        parser.add_argument("--canary-set", type=Path, metavar="DIR", help="pictures in DIR/offline and DIR/online")
        parser.add_argument("--min-accuracy", metavar="X", help="least mean accuracy on the canary set, 0 to 1")
        add_who_and_why(parser)

    def handle(
        self,
        *_: object,
        artifact: Path,
        canary_set: Path | None,
        min_accuracy: str | None,
        by: str,
        reason: str,
        **__: Any,  # noqa: ANN401
    ) -> None:
        canary = _canary(canary_set, min_accuracy)
        carry_out(self, lambda say: roll_out(artifact=artifact, by=by, reason=reason, canary=canary, say=say))


def _canary(folder: Path | None, min_accuracy: str | None) -> Canary | None:
    if folder is None:
        if min_accuracy is not None:
            raise CommandError("--min-accuracy needs the pictures that it is measured on: --canary-set DIR.")
        return None
    try:
        least = None if min_accuracy is None else float(min_accuracy)
    except ValueError:
        least = -1.0
    if least is not None and not 0 <= least <= 1:
        raise CommandError(f"--min-accuracy must be a number from 0 to 1, not {min_accuracy!r}.")
    return Canary(folder, least)
