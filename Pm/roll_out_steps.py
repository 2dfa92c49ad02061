"""The steps of a roll-out, each said, timed and recorded, and the way back from any of them.

The record of what is under way is the RollOut row, of what is served the two pointers. Both survive a crash: whoever
comes next finds a row that RUNs, holds the lock that its process has lost, and finishes it when both pointers name the
new version, or else undoes it.
"""

import logging
import os
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import Error as DatabaseError
from django.db.models import Max
from django.utils import timezone
from django.utils.translation import gettext as _

from Pm import artifacts, canary
from Pm.artifacts import SLOTS
from Pm.errors import RollOutError
from Pm.model_servers import CanarySet, check_artifact, serve, servers
from Pm.models import ModelVersion, RollOut

logger = logging.getLogger(__name__)
Say = Callable[[str], object]
CHECK = "check"
RECORD = "record"
UNDO = "undo "
DEMO = "demo"  # in `found`: a row of the demonstration, which changed nothing
State = RollOut.State


@contextmanager
def alone(what: str) -> Iterator[None]:
    """Let nobody else change what is served.

    Raises: RollOutError telling who does just now.
    """
    with artifacts.alone(f"{what} since {timezone.now():%Y-%m-%d %H:%M:%S} UTC"):
        yield


def settle_interrupted(say: Say) -> None:
    """Finish or undo what earlier processes left behind."""
    for row in RollOut.objects.filter(state=State.RUNNING):
        _settle(row, say)
    for row in RollOut.objects.filter(state=State.CANARY) if not canary.has_share() else ():
        say(f"The canary of {row.version} by {row.by} had lost its share.")
        undo(row, "It failed too often in a row, and could not be aborted then.", say)


def refuse_beside_canary() -> None:
    """Return when no canary serves a share.

    Raises: RollOutError saying what to do with it first.
    """
    if row := RollOut.objects.filter(state=State.CANARY).first():
        told = {"canary": row, "by": row.by}
        raise RollOutError(_("%(canary)s, by %(by)s: promote or abort it first.") % told)


def begin(artifact: Path, *, by: str, reason: str, **facts: Any) -> RollOut:  # noqa: ANN401 - the row's other fields
    """The record of a new roll-out."""
    before = {slot: artifacts.pointed_at(slot) for slot in SLOTS}
    return RollOut.objects.create(
        artifact=str(artifact), before=before, by=by, reason=reason, process=os.getpid(), **facts
    )


def check(row: RollOut, artifact: Path, canary_set: CanarySet | None, say: Say) -> None:
    """Prove the artifact off-line and give it its place.

    Raises: RollOutError with the reason why it must not serve.
    """
    with step(row, CHECK, say):
        row.target, row.found = _prepare(artifact, canary_set)
        row.version = version_register(artifacts.folder_of(row.target))
        row.save()


def switch(row: RollOut, slots: Iterable[str], say: Say) -> None:
    """Point and reload one server after the other; while one does, the other serves.

    Raises: RollOutError when one does not serve it.
    """
    for slot, address in servers():
        if slot in slots:
            with step(row, slot, say):
                _serve(slot, address, row.target, say)


def record(row: RollOut, say: Say) -> None:
    """Both serve it: a canary's share ends, folders of old versions go."""
    with step(row, RECORD, say):
        end_share(row)
        before = target_before(row.target)
        versions_prune(spare={row.target, *row.before.values(), *([before] if before else [])})
        row.state, row.finished_at = State.DONE, timezone.now()
        row.save()


def end_share(row: RollOut) -> None:
    """From now on the stable version answers all requests, also those of a canary's share."""
    canary.clear()
    if row.share_from and not row.share_until:
        row.share_until = timezone.now()


@contextmanager
def undone_on_error(row: RollOut, say: Say) -> Iterator[None]:
    """Undo the roll-out when what this surrounds fails.

    Raises: RollOutError with the reason, and how the roll-out ended.
    """
    try:
        yield
    except (Exception, KeyboardInterrupt) as exc:
        undo(row, str(exc) if isinstance(exc, RollOutError) else repr(exc), say)
        raise ended(row) from exc


def ended(row: RollOut) -> RollOutError:
    """The refusal that tells why a roll-out failed, and how it ended."""
    told = {"why": row.error.rstrip(".。"), "state": row.get_state_display()}
    return RollOutError(_("%(why)s. The roll-out is %(state)s.") % told)


def undo(row: RollOut, reason: str, say: Say) -> None:
    """Give each server that was changed back what it had, and record why."""
    end_share(row)
    changed = list(_changed(row))
    problems = []
    for slot, address in changed:
        try:
            with step(row, UNDO + slot, say):
                _serve(slot, address, row.before[slot], say)
        except (RollOutError, OSError) as exc:
            problems.append(f"{slot} could not be given back what it had: {exc}")
    row.state = State.FAILED if problems else State.UNDONE if changed else State.REFUSED
    row.error = " ".join([f"{reason.rstrip('.')}.", *problems]) if problems else reason
    row.finished_at = timezone.now()
    _save(row)


@contextmanager
def step(row: RollOut, name: str, say: Say) -> Iterator[None]:
    """Say and record that a step begins, and how long it took."""
    row.step = name
    _save(row)
    say(f"-- {name}")
    start = time.monotonic()
    yield
    seconds = round(time.monotonic() - start, 1)
    row.steps.append([name, seconds])
    _save(row)
    say(f"   {seconds:.1f} s")


def version_register(folder: Path) -> ModelVersion:
    """Record an artifact that passed its check, or that ships with the product.

    Raises: RollOutError when its manifest cannot be read; django.db.Error.
    """
    manifest = artifacts.read_manifest(folder)
    facts = {"sha256": manifest["weights"]["sha256"], "manifest": manifest}
    return ModelVersion.objects.update_or_create(version=manifest["version"], defaults=facts)[0]


def target_before(now: str) -> str | None:
    """What the primary's pointer said before it said `now`, "" being the default model; None when it never did."""
    done = RollOut.objects.filter(state=State.DONE).exclude(found__has_key=DEMO)
    targets = (row.before[SLOTS[0]] for row in done)
    return next((target for target in targets if target != now), None)


def versions_prune(*, spare: set[str]) -> None:
    """Delete the folders of all but the last MODEL_VERSIONS_KEPT versions, and of none that is pointed at or spared."""
    latest = ModelVersion.objects.annotate(last=Max("roll_outs")).exclude(last=None).order_by("-last")
    old = latest.values_list("version", flat=True)[settings.GATEWAY.model_versions_kept :]
    for version in set(old) - spare - {artifacts.pointed_at(slot) for slot in SLOTS}:
        artifacts.remove(version)


def _settle(row: RollOut, say: Say) -> None:
    row.process = os.getpid()
    say(f"The roll-out of {row.version or row.artifact} by {row.by} was interrupted at {row.step}.")
    half_way = any(artifacts.pointed_at(slot) != row.target for slot in SLOTS)
    if row.version is None or half_way or row.step.startswith(UNDO):
        undo(row, f"It was interrupted at {row.step}.", say)
        return
    try:
        with undone_on_error(row, say):
            switch(row, SLOTS, say)
            record(row, say)
    except RollOutError as exc:
        say(str(exc))


def _prepare(artifact: Path, canary_set: CanarySet | None) -> tuple[str, dict[str, Any]]:
    """Check an artifact, and give it its place in var/models if it has none: its pointer's text, and what was found."""
    target = artifacts.target_of(artifact)
    folder = artifacts.take_in(artifact) if target is None else artifact
    try:
        found = check_artifact(folder, canary_set)
        if found["pinned"]:
            raise RollOutError(
                f"MODEL_ARTIFACT={found['pinned']} decides what is served: empty it in .env, and restart."
            )
        return (artifacts.store(folder, found["version"]) if target is None else target), found
    except RollOutError as exc:
        raise RollOutError(str(exc).replace(str(folder.resolve()), str(artifact))) from exc
    finally:
        artifacts.discard_incoming()


def _changed(row: RollOut) -> Iterator[tuple[str, str]]:
    """The servers that it has begun to change, whatever became of it."""
    begun = {name.removeprefix(UNDO) for name in (row.step, *(name for name, _ in row.steps))}
    for slot, address in servers():
        if slot in begun or artifacts.pointed_at(slot) != row.before[slot]:
            yield slot, address


def _serve(slot: str, address: str, target: str, say: Say) -> None:
    artifacts.point(slot, target)
    version = artifacts.read_manifest(artifacts.folder_of(target))["version"]
    if not serve(slot=slot, address=address, version=version):
        say(f"   {slot} does not run: its next start serves {version}")


def _save(row: RollOut) -> None:
    """Progress; a database that is gone must not keep the servers from being given back what they had."""
    try:
        row.save()
    except DatabaseError:
        logger.exception("progress of a roll-out not recorded")
