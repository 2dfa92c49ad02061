"""Reads: which server serves what, how a roll-out goes on, what a version's manifest says of it."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from Pm import artifacts
from Pm.errors import RollOutError
from Pm.model_servers import servers, serving
from Pm.models import ModelVersion, RollOut

LAST_ROLL_OUTS = 10


@dataclass(frozen=True)
class ServerNow:
    """One model server: what it serves now (nothing where it does not answer), and what its next start serves."""

    slot: str
    role: Promise
    version: str
    next_start: str


@dataclass(frozen=True)
class Step:
    """A step of a roll-out; one without seconds is under way."""

    name: str
    seconds: float | None


def servers_now() -> list[ServerNow]:
    """Both servers, asked at once; one that is down costs no more than the time limit of one question."""
    slots = list(servers())
    with ThreadPoolExecutor(max_workers=len(slots)) as pool:
        answers = list(pool.map(serving, [address for _slot, address in slots]))
    roles = (_("primary"), _("backup"))
    return [
        ServerNow(slot, role, now.version if now else "", artifacts.pointed_at(slot) or default_version())
        for (slot, _address), role, now in zip(slots, roles, answers, strict=False)
    ]


def default_version() -> str:
    """The version of the model that ships with the product; empty when its manifest is spoilt."""
    try:
        return str(artifacts.read_manifest(artifacts.DEFAULT)["version"])
    except RollOutError:
        return ""


def active_version() -> str:
    """What the primary's pointer names."""
    return artifacts.pointed_at(artifacts.SLOTS[0]) or default_version()


def roll_out_at_work() -> RollOut | None:
    """The roll-out that runs, or the canary that rests."""
    states = (RollOut.State.RUNNING, RollOut.State.CANARY)
    return RollOut.objects.filter(state__in=states).select_related("version").first()


def steps_of(row: RollOut) -> Iterator[Step]:
    """Each step that ended, then the one that is under way."""
    for name, seconds in row.steps:
        yield Step(name, seconds)
    if row.state == RollOut.State.RUNNING and (not row.steps or row.steps[-1][0] != row.step):
        yield Step(row.step, None)


def models_now() -> dict[str, Any]:
    """All that the models' page shows of now."""
    row = roll_out_at_work()
    return {
        "servers": servers_now(),
        "row": row,
        "steps": list(steps_of(row)) if row else [],
        "is_running": row is not None and row.state == RollOut.State.RUNNING and not row.is_interrupted,
        "is_canary": row is not None and row.state == RollOut.State.CANARY,
    }


def facts_of(version: ModelVersion) -> list[tuple[Promise, str]]:
    """What the manifest says of a version: names and texts; what it does not say is left out."""
    manifest: dict[str, Any] = version.manifest
    metrics, made_by = manifest.get("metrics") or {}, manifest.get("made_by") or {}
    size = manifest.get("input") or {}
    accuracy = metrics.get("accuracy") or {}
    rows = [
        (_("Mean accuracy"), share(metrics.get("mean_accuracy"))),
        (_("Accuracy, offline"), share(accuracy.get("offline"))),
        (_("Accuracy, online"), share(accuracy.get("online"))),
        (_("Calibration error (ECE)"), share(metrics.get("ece"))),
        (_("Pictures it was measured on"), metrics.get("pictures")),
        (_("Wrong among them"), metrics.get("wrong")),
        (_("Measured on"), metrics.get("measured_on")),
        (_("Architecture"), manifest.get("architecture")),
        (_("Input, height × width"), f"{size['height']} × {size['width']}" if {"height", "width"} <= set(size) else ""),
        (_("Trained from"), made_by.get("parent")),
        (_("Made at revision"), made_by.get("git_sha")),
        (_("Data's hash"), made_by.get("data_sha256")),
        (_("Weights' SHA-256"), version.sha256),
    ]
    return [(name, str(text)) for name, text in rows if text not in (None, "")]


def share(value: object) -> str:
    """A share of 1 in percent; empty where there is none."""
    return f"{100 * value:.1f} %" if isinstance(value, int | float) else ""
