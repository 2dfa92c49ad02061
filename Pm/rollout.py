"""Rolls a model version out to both servers, one after the other, or leaves everything as it was.

check ──▶ resnet_server1 ──▶ resnet_server2 ──▶ record ──▶ DONE
  │             └─────────┬─────────┴──────────────┘
REFUSED                 undo ──▶ UNDONE, or FAILED when a server does not come back

The record of what is under way is the RollOut row, of what is served the two pointers. Both survive a crash: whoever
comes next finds a row that RUNs, holds the lock that its process has lost, and finishes it when both pointers name the
new version, or else undoes it.
"""

import logging
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import Error as DatabaseError
from django.db.models import Max
from django.utils import timezone

from Pm import artifacts
from Pm.artifacts import SLOTS
from Pm.errors import RollOutError
from Pm.model_servers import Canary, check_artifact, serve, servers, serving
from Pm.models import ModelVersion, RollOut

logger = logging.getLogger(__name__)
Say = Callable[[str], object]
CHECK = "check"
RECORD = "record"
UNDO = "undo"
State = RollOut.State


def roll_out(*, artifact: Path, by: str, reason: str = "", canary: Canary | None = None, say: Say) -> RollOut:
    """Check an artifact and make both servers serve it; an interrupted roll-out is settled first.

    `artifact` is any folder, one of var/models or the default model's. When all is as asked already, nothing changes.
    Raises: RollOutError when another one runs, when the artifact is refused, or when what was changed is undone again.
    """
    with artifacts.alone(f"{by} rolls out {artifact} since {timezone.now():%Y-%m-%d %H:%M:%S} UTC"):
        for row in RollOut.objects.filter(state=State.RUNNING):
            _settle(row, say)
        return _begin(artifact, by=by, reason=reason, canary=canary, say=say)


def roll_back(*, by: str, reason: str = "", say: Say) -> RollOut:
    """Make both servers serve what they served before the last roll-out; one that was interrupted is undone instead.

    Raises: as roll_out, and RollOutError when there is nothing to go back to.
    """
    with artifacts.alone(f"{by} rolls back since {timezone.now():%Y-%m-%d %H:%M:%S} UTC"):
        interrupted = list(RollOut.objects.filter(state=State.RUNNING))
        for row in interrupted:
            _undo(row, f"It was interrupted at {row.step}; {by} rolled it back.", say)
        return interrupted[0] if interrupted else _begin(previous_artifact(), by=by, reason=reason, say=say)


def previous_artifact() -> Path:
    """The folder of what was served before the version that is served now.

    Raises: RollOutError when no roll-out changed anything, or its folder was removed.
    """
    now = artifacts.pointed_at(SLOTS[0])
    targets = (row.before[SLOTS[0]] for row in RollOut.objects.filter(state=State.DONE))
    target = next((target for target in targets if target != now), None)
    if target is None:
        raise RollOutError("There is nothing to go back to: no roll-out has changed what is served.")
    return artifacts.folder_of(target)


def version_register(folder: Path) -> ModelVersion:
    """Record an artifact that passed its check, or that ships with the product.

    Raises: RollOutError when its manifest cannot be read; django.db.Error.
    """
    manifest = artifacts.read_manifest(folder)
    facts = {"sha256": manifest["weights"]["sha256"], "manifest": manifest}
    return ModelVersion.objects.update_or_create(version=manifest["version"], defaults=facts)[0]


def _begin(artifact: Path, *, by: str, reason: str, canary: Canary | None = None, say: Say) -> RollOut:
    before = {slot: artifacts.pointed_at(slot) for slot in SLOTS}
    row = RollOut.objects.create(artifact=str(artifact), before=before, by=by, reason=reason, process=os.getpid())
    with _undone_on_error(row, say):
        with _step(row, CHECK, say):
            row.target, row.found = _prepare(artifact, canary)
            row.version = version_register(artifacts.folder_of(row.target))
            row.save()
        if set(before.values()) == {row.target} and not unready_servers(row.version.version):
            say(f"{row.version} is what both servers serve already")
        else:
            _switch(row, say)
        _record(row, say)
    return row


def _settle(row: RollOut, say: Say) -> None:
    """Finish or undo what an earlier process left behind."""
    row.process = os.getpid()
    say(f"The roll-out of {row.version or row.artifact} by {row.by} was interrupted at {row.step}.")
    half_way = any(artifacts.pointed_at(slot) != row.target for slot in SLOTS)
    if row.version is None or half_way or row.step.startswith(UNDO):
        _undo(row, f"It was interrupted at {row.step}.", say)
        return
    try:
        with _undone_on_error(row, say):
            _switch(row, say)
            _record(row, say)
    except RollOutError as exc:
        say(str(exc))


def _prepare(artifact: Path, canary: Canary | None) -> tuple[str, dict[str, Any]]:
    """Check an artifact, and give it its place in var/models if it has none: its pointer's text, and what was found."""
    target = artifacts.target_of(artifact)
    folder = artifacts.take_in(artifact) if target is None else artifact
    try:
        found = check_artifact(folder, canary)
        if found["pinned"]:
            raise RollOutError(
                f"MODEL_ARTIFACT={found['pinned']} decides what is served: empty it in .env, and restart."
            )
        return (artifacts.store(folder, found["version"]) if target is None else target), found
    except RollOutError as exc:
        raise RollOutError(str(exc).replace(str(folder.resolve()), str(artifact))) from exc
    finally:
        artifacts.discard_incoming()


def _switch(row: RollOut, say: Say) -> None:
    """Point and reload one server while the other serves, then the other."""
    for slot, address in servers():
        with _step(row, slot, say):
            _serve(slot, address, row.target, say)


def _record(row: RollOut, say: Say) -> None:
    with _step(row, RECORD, say):
        versions_prune(spare={row.target, *row.before.values()})
        row.state, row.finished_at = State.DONE, timezone.now()
        row.save()


def _serve(slot: str, address: str, target: str, say: Say) -> None:
    artifacts.point(slot, target)
    version = artifacts.read_manifest(artifacts.folder_of(target))["version"]
    if not serve(slot=slot, address=address, version=version):
        say(f"   {slot} does not run: its next start serves {version}")


@contextmanager
def _undone_on_error(row: RollOut, say: Say) -> Iterator[None]:
    try:
        yield
    except (Exception, KeyboardInterrupt) as exc:
        _undo(row, str(exc) if isinstance(exc, RollOutError) else repr(exc), say)
        raise RollOutError(f"{row.error.rstrip('.')}. The roll-out is {row.get_state_display()}.") from exc


def _undo(row: RollOut, reason: str, say: Say) -> None:
    """Give each server back what it had, if anything was changed, and record why."""
    touched = row.step not in ("", CHECK) or any(artifacts.pointed_at(slot) != row.before[slot] for slot in SLOTS)
    problems = []
    for slot, address in servers() if touched else ():
        try:
            with _step(row, f"{UNDO} {slot}", say):
                _serve(slot, address, row.before[slot], say)
        except (RollOutError, OSError) as exc:
            problems.append(f"{slot} could not be given back what it had: {exc}")
    row.state = State.FAILED if problems else State.UNDONE if touched else State.REFUSED
    row.error, row.finished_at = " ".join([reason, *problems]), timezone.now()
    _save(row)


@contextmanager
def _step(row: RollOut, name: str, say: Say) -> Iterator[None]:
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


def _save(row: RollOut) -> None:
    """Progress; a database that is gone must not keep the servers from being given back what they had."""
    try:
        row.save()
    except DatabaseError:
        logger.exception("progress of a roll-out not recorded")


def versions_prune(*, spare: set[str]) -> None:
    """Delete the folders of all but the last MODEL_VERSIONS_KEPT versions, and of none that is pointed at or spared."""
    latest = ModelVersion.objects.annotate(last=Max("roll_outs")).exclude(last=None).order_by("-last")
    old = latest.values_list("version", flat=True)[settings.GATEWAY.model_versions_kept :]
    for version in set(old) - spare - {artifacts.pointed_at(slot) for slot in SLOTS}:
        artifacts.remove(version)


def unready_servers(version: str) -> list[str]:
    """The slots that serve something else, or nothing."""
    return [slot for slot, address in servers() if (now := serving(address)) is None or now.version != version]
