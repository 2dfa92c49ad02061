"""manage.py canary: lets the backup serve a new version to a share of the requests; then promotes or aborts it."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from Pm.canary import percent_of
from Pm.canary_release import canary_abort, canary_change, canary_promote, canary_start
from Pm.canary_report import canary_report, last_canary, report_text
from Pm.management.database import require_database
from Pm.management.roll_out import add_canary_set, add_who_and_why, canary_set, carry_out
from Pm.models import RollOut
from Pm.roll_out_steps import Say

DEFAULT_PERCENT = 5.0
# What may be given, each with what may go with it.
FORMS = {
    "artifact": {"percent", "shadow", "canary_set", "min_accuracy"},
    "promote": set(),
    "abort": set(),
    "report": set(),
    "percent": set(),
}


class Command(BaseCommand):
    help = (
        "Check a model artifact off-line, have the backup serve it, and give it a share of the requests: always the "
        "same photos, by image_id. What it does not answer the stable version answers; after five failures in a row it "
        "is aborted."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("artifact", type=Path, nargs="?", help="its folder, as for deploy_model")
        parser.add_argument("--percent", metavar="P", help="0.01 to 100, default 5; alone it changes the share")
        parser.add_argument("--shadow", action="store_true", help="show it copies, and only compare what it answers")
        parser.add_argument("--promote", action="store_true", help="have both servers serve it")
        parser.add_argument("--abort", action="store_true", help="give its share and the backup back")
        parser.add_argument("--report", action="store_true", help="both versions side by side")
        add_canary_set(parser)
        add_who_and_why(parser)

    def handle(self, *_: object, by: str, reason: str, **options: Any) -> None:  # noqa: ANN401
        form = _form(options)
        if form == "report":
            self._report()
            return

        percent = _percent(options["percent"])
        pictures = canary_set(options["canary_set"], options["min_accuracy"])

        def change(say: Say) -> RollOut:
            if form == "promote":
                return canary_promote(by=by, reason=reason, say=say)
            if form == "abort":
                return canary_abort(by=by, reason=reason, say=say)
            if form == "percent":
                return canary_change(percent=percent, by=by, say=say)
            return canary_start(
                artifact=options["artifact"],
                percent=percent,
                shadow=options["shadow"],
                canary_set=pictures,
                by=by,
                reason=reason,
                say=say,
            )

        carry_out(self, change, options["language"])

    def _report(self) -> None:
        require_database()
        row = last_canary()
        if row is None:
            raise CommandError("There was no canary yet: start one with manage.py canary ARTIFACT --percent 5.")
        self.stdout.write(report_text(canary_report(row)))


def _form(options: dict[str, Any]) -> str:
    """Which of FORMS was asked for. Raises: CommandError."""
    given = {name for names in ({form, *also} for form, also in FORMS.items()) for name in names if options[name]}
    for form, also in FORMS.items():
        if form in given and given <= {form, *also}:
            return form
    raise CommandError("Say one of: ARTIFACT [--percent P] [--shadow], --percent P, --promote, --abort, --report.")


def _percent(text: str | None) -> float:
    percent = DEFAULT_PERCENT if text is None else percent_of(text)
    if percent is None:
        raise CommandError(f"--percent must be a number from 0.01 to 100, not {text!r}.")
    return percent
