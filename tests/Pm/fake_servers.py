"""What stands for the two model servers and the off-line check in the tests of roll-outs."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from Pm import artifacts
from Pm.artifacts import SLOTS
from Pm.errors import RollOutError
from Pm.model_servers import CanarySet, Serving
from Pm.models import RollOut
from Pm.roll_out_steps import Say
from Pm.rollout import roll_out

Make = Callable[[str], Path]  # version → artifact
DEFAULT_VERSION = json.loads((artifacts.DEFAULT / "manifest.json").read_text())["version"]


class Killed(BaseException):
    """The process ends here: nothing catches this, as nothing catches SIGKILL."""


class Servers:
    """What stands for the two servers and for the off-line check: they load what their pointers name."""

    def __init__(self) -> None:
        self.serves = dict.fromkeys(SLOTS, DEFAULT_VERSION)
        self.loads: list[tuple[str, str]] = []
        self.refused: set[tuple[str, str]] = set()  # slot, version
        self.stopped: set[str] = set()
        self.found: dict[str, Any] = {"pinned": ""}
        self.check_refuses = ""

    def check(self, folder: Path, _canary_set: CanarySet | None) -> dict[str, Any]:
        if self.check_refuses:
            raise RollOutError(self.check_refuses.format(folder=folder))
        return self.found | {"version": artifacts.read_manifest(folder)["version"]}

    def serve(self, *, slot: str, version: str, **_: str) -> bool:
        self.loads.append((slot, version))
        if (slot, version) in self.refused:
            raise RollOutError(f"{slot} does not serve it: out of memory")
        if slot not in self.stopped:
            pointed = artifacts.read_manifest(artifacts.folder_of(artifacts.pointed_at(slot)))["version"]
            assert pointed == version
            self.serves[slot] = version
        return slot not in self.stopped

    def serving(self, address: str) -> Serving | None:
        slot = dict(zip(("primary:1", "backup:2"), SLOTS, strict=True))[address]
        return None if slot in self.stopped else Serving(self.serves[slot], 1)


def silent(_: str) -> None: ...


def deploy(artifact: Path, say: Say = silent) -> RollOut:
    return roll_out(artifact=artifact, by="ops", reason="because", say=say)


def dying_at(step: str) -> Say:
    def say(text: str) -> None:
        if text == f"-- {step}":
            raise Killed

    return say


def pointers() -> set[str]:
    return {artifacts.pointed_at(slot) for slot in SLOTS}
