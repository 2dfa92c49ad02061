"""Grey release: a roll-out that rests after the backup, which serves the new version to a share of the requests.

check ──▶ resnet_server2 ──▶ share ──▶ CANARY ──promote──▶ resnet_server1 ──▶ resnet_server2 ──▶ record ──▶ DONE
  │             └──────────────┴──────────┴──abort─────────────────┴──────────────────┴───────────┘
REFUSED                                     undo ──▶ UNDONE, or FAILED when a server does not come back
"""

import os
from pathlib import Path

from django.utils import timezone
from django.utils.translation import gettext as _

from Pm import canary
from Pm.artifacts import SLOTS
from Pm.canary import Canary
from Pm.errors import RollOutError
from Pm.model_servers import CanarySet, servers, serving
from Pm.models import RollOut
from Pm.roll_out_steps import (
    Say,
    State,
    alone,
    begin,
    check,
    ended,
    record,
    refuse_beside_canary,
    settle_interrupted,
    step,
    switch,
    undo,
    undone_on_error,
)

BACKUP = SLOTS[1]
SHARE = "share"


def canary_start(
    *,
    artifact: Path,
    percent: float,
    shadow: bool,
    by: str,
    reason: str = "",
    canary_set: CanarySet | None = None,
    say: Say,
) -> RollOut:
    """Check an artifact, have the backup serve it, and give it its share of the requests, or copies of them.

    Raises: RollOutError when another roll-out or canary runs, when a server is not there, when the artifact is refused,
    or when what was changed is undone again.
    """
    with alone(f"{by} starts a canary of {artifact}"):
        settle_interrupted(say)
        refuse_beside_canary()
        _require_both_servers()
        row = begin(artifact, by=by, reason=reason, percent=percent, shadow=shadow)
        with undone_on_error(row, say):
            check(row, artifact, canary_set, say)
            _require_another_version(row)
            switch(row, [BACKUP], say)
            row.share_from = timezone.now()
            _share(row, percent, say)
    return row


def canary_change(*, percent: float, by: str, say: Say) -> RollOut:
    """Give the canary that runs another share: a larger one only adds photos.

    Raises: RollOutError when none runs, or when it could not be told; then it goes on as before.
    """
    with alone(f"{by} changes the canary's share"):
        settle_interrupted(say)
        row = _resting()
        try:
            _share(row, percent, say)
        except OSError as exc:
            raise RollOutError(f"The share could not be changed: {exc}") from exc
    return row


def canary_promote(*, by: str, reason: str = "", say: Say) -> RollOut:
    """Have both servers serve the canary's version; until both do, its share goes on.

    Raises: RollOutError when none runs, or when the primary does not serve it: then both serve the stable version.
    """
    with alone(f"{by} promotes the canary"):
        settle_interrupted(say)
        row = _taken_up(_resting())
        row.reason = "; ".join(filter(None, [row.reason, _who_and_why(f"promoted by {by}", reason)]))
        with undone_on_error(row, say):
            switch(row, SLOTS, say)
            record(row, say)
    return row


def canary_abort(*, by: str, reason: str = "", say: Say) -> RollOut:
    """Give the share back to the stable version at once, and then the backup; also a canary that was interrupted.

    Raises: RollOutError when none runs, or when the backup does not come back.
    """
    with alone(f"{by} aborts the canary"):
        row = RollOut.objects.filter(state=State.RUNNING).exclude(percent=None).first() or _resting()
        undo(_taken_up(row), _who_and_why(f"{by} aborted it", reason), say)
    if row.state == State.FAILED:
        raise ended(row)
    return row


def _require_both_servers() -> None:
    for slot, address in servers():
        if serving(address) is None:
            told = _(
                "%s does not serve, and a canary needs both servers: start Pm with make run, or see supervisorctl "
                "status. Nothing was changed."
            )
            raise RollOutError(told % slot)


def _require_another_version(row: RollOut) -> None:
    if row.target == row.before[SLOTS[0]]:
        raise RollOutError(_("%s is what is served already: a canary needs another version.") % row.version)


def _share(row: RollOut, percent: float, say: Say) -> None:
    """Tell the gateway, then the record: a start that crashes in between is undone by the next run."""
    with step(row, SHARE, say):
        canary.publish(Canary(row.pk, str(row.version), percent, row.shadow))
        row.percent, row.state = percent, State.CANARY
        row.save()


def _resting() -> RollOut:
    row = RollOut.objects.filter(state=State.CANARY).select_related("version").first()
    if row is None:
        canary.clear()  # a share without a record, which a database that was put back may leave
        raise RollOutError(_("No canary runs: start one first."))
    return row


def _taken_up(row: RollOut) -> RollOut:
    """The row, on which this process works from now on."""
    row.state, row.process = State.RUNNING, os.getpid()
    row.save()
    return row


def _who_and_why(who: str, why: str) -> str:
    return f"{who}: {why}" if why else who
