"""Models are swapped under load, by roll-outs and by HUP, without a failed request."""

import itertools
import json
import shutil
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import requests

from tests.e2e.rollout import (
    LONG,
    SLOTS,
    Make,
    deploy,
    served,
)
from tests.e2e.stack import ROOT, Load, Mark, Stack, sigkill, wait_for
from tests.tiny_model import write_artifact

pytestmark = [pytest.mark.e2e, *([pytest.mark.timeout(3600)] if LONG else [])]
SWAPS = 50 if LONG else 2


def p99_ms(marks: list[Mark]) -> float:
    return float(np.percentile([mark.seconds * 1000 for mark in marks], 99)) if marks else 0.0


def real(folder: Path, version: str) -> Path:
    """The default model under another name."""
    shutil.copytree(ROOT / "resnet_server/default_model", folder / version)
    manifest = folder / version / "manifest.json"
    manifest.write_text(json.dumps(json.loads(manifest.read_text()) | {"version": version}))
    return folder / version


def test_swaps_under_load_fail_no_request(model_stack: Stack, tmp_path: Path) -> None:
    """The report is printed (pytest -s): when each swap began and ended, which version answered how often, the p99."""
    artifacts = [real(tmp_path, version) for version in ("real-1", "real-2")]
    deploy(model_stack, artifacts[1])
    swaps: list[Swap] = []
    with Load(model_stack, clients=2) as load:
        load.wait_for_answers(100)
        steady = list(load.marks)
        for number in range(SWAPS):
            artifact, before = artifacts[number % 2], artifacts[1 - number % 2]
            begun = time.monotonic()
            deploy(model_stack, artifact)
            swaps.append(Swap(before.name, artifact.name, begun, time.monotonic()))
            load.wait_for_answers(10)
    print(report(load, steady, swaps))  # noqa: T201 - a measurement is for reading
    assert load.failures == []
    assert {mark.version for mark in steady} == {"real-2"}
    for swap in swaps:
        assert {mark.version for mark in swap.during(load)} == {swap.before, swap.after}
    for swap, following in itertools.pairwise(swaps):
        between = {mark.version for mark in load.marks if swap.ended <= mark.sent and mark.answered < following.begun}
        assert between == {swap.after}
    assert served(model_stack) == {swaps[-1].after}


@dataclass(frozen=True)
class Swap:
    """From which version to which, and when, in time.monotonic()."""

    before: str
    after: str
    begun: float
    ended: float

    def during(self, load: Load) -> list[Mark]:
        return [mark for mark in load.marks if self.begun <= mark.sent and mark.answered < self.ended]


def report(load: Load, steady: list[Mark], swaps: list[Swap]) -> str:
    start = load.marks[0].sent
    lines = ["", f"steady: {len(steady)} answers, p99 {p99_ms(steady):.0f} ms"]
    for swap in swaps:
        marks = swap.during(load)
        versions = ", ".join(f"{count} by {name}" for name, count in sorted(Counter(m.version for m in marks).items()))
        times = f"{swap.begun - start:7.1f} s to {swap.ended - start:7.1f} s"
        lines.append(f"{times}: {swap.before} → {swap.after}: {versions}, p99 {p99_ms(marks):.0f} ms")
    marks = [mark for swap in swaps for mark in swap.during(load)]
    ratio = p99_ms(marks) / p99_ms(steady)
    lines.append(f"{len(swaps)} swaps: {len(marks)} answers, {len(load.failures)} failed, p99 {p99_ms(marks):.0f} ms, ")
    return "\n".join(lines) + f"{ratio:.1f} times the steady one"


@pytest.mark.parametrize("slot", SLOTS)
def test_hup_reloads_in_place_and_fails_no_request(model_stack: Stack, make: Make, slot: str) -> None:
    deploy(model_stack, make("other"))
    port = model_stack.ports["model1" if slot == SLOTS[0] else "model2"]

    def serves(version: str) -> bool:
        return bool(requests.get(f"http://127.0.0.1:{port}/readyz", timeout=10).json()["model_version"] == version)

    with Load(model_stack, clients=2) as load:
        load.wait_for_answers(50)
        for version in ["before", "other"] * (SWAPS // 2):
            pointer = model_stack.root / "var/models" / slot
            pointer.unlink()
            pointer.symlink_to(version)
            model_stack.ctl("signal", "HUP", slot)
            wait_for(lambda version=version: serves(version))  # type: ignore[misc]
            load.wait_for_answers(10)
    assert load.failures == []
    assert {mark.version for mark in load.marks} <= {"before", "other"}


def test_a_hup_to_a_bad_model_keeps_the_old_one_also_for_a_worker_that_is_started_later(
    model_stack: Stack, make: Make
) -> None:
    models = model_stack.root / "var/models"
    write_artifact(models / "bad", version="bad", answers_nan=True)
    (models / SLOTS[0]).unlink()
    (models / SLOTS[0]).symlink_to("bad")
    events = len(model_stack.log("res1_out.log"))
    with Load(model_stack, clients=2) as load:
        model_stack.ctl("signal", "HUP", SLOTS[0])
        wait_for(lambda: any(event["event"] == "reload refused" for event in model_stack.log("res1_out.log")[events:]))
        load.wait_for_answers(10)
        sigkill(*model_stack.children(SLOTS[0]))
        load.wait_for_answers(10)
    assert load.failures == []
    wait_for(lambda: len(model_stack.children(SLOTS[0])) == 1)
    model_stack.wait_ready()
    assert served(model_stack) == {"before"}
    shutil.rmtree(models / "bad")
    deploy(model_stack, make("other"))
    assert served(model_stack) == {"other"}
