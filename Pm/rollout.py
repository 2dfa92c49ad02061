"""Rolls a model version out to both servers, one after the other, or leaves everything as it was.

check ──▶ resnet_server1 ──▶ resnet_server2 ──▶ record ──▶ DONE
  │             └─────────┬─────────┴──────────────┘
REFUSED                 undo ──▶ UNDONE, or FAILED when a server does not come back
"""

from pathlib import Path

from django.utils.translation import gettext as _

from Pm import artifacts
from Pm.artifacts import SLOTS
from Pm.errors import RollOutError
from Pm.model_servers import CanarySet, servers, serving
from Pm.models import RollOut
from Pm.roll_out_steps import (
    Say,
    State,
    alone,
    begin,
    check,
    record,
    refuse_beside_canary,
    settle_interrupted,
    switch,
    target_before,
    undo,
    undone_on_error,
)


def roll_out(*, artifact: Path, by: str, reason: str = "", canary_set: CanarySet | None = None, say: Say) -> RollOut:
    """Check an artifact and make both servers serve it; an interrupted roll-out is settled first.

    `artifact` is any folder, one of var/models or the default model's. When all is as asked already, nothing changes.
    Raises: RollOutError when another one runs, when the artifact is refused, or when what was changed is undone again.
    """
    with alone(f"{by} rolls out {artifact}"):
        settle_interrupted(say)
        refuse_beside_canary()
        return _begin(artifact, by=by, reason=reason, canary_set=canary_set, say=say)


def roll_back(*, by: str, reason: str = "", say: Say) -> RollOut:
    """Make both servers serve what they served before the last roll-out; one that was interrupted is undone instead.

    Raises: as roll_out, and RollOutError when there is nothing to go back to.
    """
    with alone(f"{by} rolls back"):
        interrupted = list(RollOut.objects.filter(state=State.RUNNING))
        for row in interrupted:
            undo(row, f"It was interrupted at {row.step}; {by} rolled it back.", say)
        if interrupted:
            return interrupted[0]
        refuse_beside_canary()
        return _begin(previous_artifact(), by=by, reason=reason, say=say)


def previous_artifact() -> Path:
    """The folder of what was served before the version that is served now.

    Raises: RollOutError when no roll-out changed anything, or its folder was removed.
    """
    target = target_before(artifacts.pointed_at(SLOTS[0]))
    if target is None:
        raise RollOutError(_("There is nothing to go back to: no roll-out has changed what is served."))
    return artifacts.folder_of(target)


def unready_servers(version: str) -> list[str]:
    """The slots that serve something else, or nothing."""
    return [slot for slot, address in servers() if (now := serving(address)) is None or now.version != version]


def _begin(artifact: Path, *, by: str, reason: str, canary_set: CanarySet | None = None, say: Say) -> RollOut:
    row = begin(artifact, by=by, reason=reason)
    with undone_on_error(row, say):
        check(row, artifact, canary_set, say)
        if set(row.before.values()) == {row.target} and not unready_servers(str(row.version)):
            say(f"{row.version} is what both servers serve already")
        else:
            switch(row, SLOTS, say)
        record(row, say)
    return row
