"""manage.py model_status: what each server serves, which versions there are, and how the last roll-outs ended."""

from typing import Any

from django.core.management.base import BaseCommand

from Pm import artifacts
from Pm.management.database import require_database
from Pm.model_servers import program, servers, serving
from Pm.models import ModelVersion, RollOut
from Pm.selectors import answer_count

LAST = 5


class Command(BaseCommand):
    help = "Say what each model server serves, what each version has answered, and how the last roll-outs ended."

    def handle(self, *_: object, **__: Any) -> None:  # noqa: ANN401
        require_database()
        self.stdout.write("Servers")
        for slot, address in servers():
            now = serving(address)
            text = f"serves {now.version}" if now else "does not answer"
            next_start = artifacts.pointed_at(slot) or "the default model"
            self.stdout.write(f"  {slot:<15} {address:<22} {program(slot).state:<8} {text}; next start: {next_start}")
        self.stdout.write("Versions")
        for version in ModelVersion.objects.annotate(answers=answer_count()):
            self.stdout.write(f"  {version.version:<32} {version.answers:>9} answers; {_activated(version)}")
        self.stdout.write(f"Last {LAST} roll-outs")
        for row in RollOut.objects.select_related("version")[:LAST]:
            self.stdout.write(f"  {_told(row)}")


def _activated(version: ModelVersion) -> str:
    last = version.roll_outs.filter(state=RollOut.State.DONE).first()
    return f"activated {_when_and_who(last)}" if last else "never rolled out"


def _told(row: RollOut) -> str:
    steps = ", ".join(f"{name} {seconds} s" for name, seconds in row.steps)
    parts = [f"{row.version or row.artifact}: {row.told_state}", _when_and_who(row), steps, row.error]
    return "; ".join(filter(None, parts))


def _when_and_who(row: RollOut) -> str:
    why = f" ({row.reason})" if row.reason else ""
    return f"{row.started_at:%Y-%m-%d %H:%M} UTC by {row.by}{why}"
