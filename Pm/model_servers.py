"""The two model servers as processes: check an artifact off-line, reload a server, wait until it serves a version."""

import json
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from xmlrpc.client import Fault, ProtocolError

import requests
from django.conf import settings

from Pm import supervisord
from Pm.artifacts import ROOT, SLOTS
from Pm.errors import RollOutError

READY_LIMIT_S = 120.0  # as at the start of the whole stack
PROBE_EVERY_S = 0.1
PROBE_TIMEOUT_S = 5.0  # a server under load answers late
TAIL_BYTES = 65536
DO_NOT_WAIT = False  # what supervisord calls wait=False
ABSENT = "ABSENT"  # supervisord does not run
BROKEN = ("BACKOFF", "EXITED", "FATAL")
GONE = ("STOPPING", "STOPPED", ABSENT)
PYTHON = Path(sys.prefix) / "bin" / "python"  # sys.executable is uwsgi in the gateway


@dataclass(frozen=True)
class CanarySet:
    """Labelled pictures in folder/offline and folder/online, and the least mean accuracy on them, if any."""

    folder: Path
    min_accuracy: float | None = None


@dataclass(frozen=True)
class Serving:
    """What a server says of itself: the model's version and the worker's process."""

    version: str
    pid: int


@dataclass(frozen=True)
class Program:
    """What supervisord says of a server: its state and where its standard output goes."""

    state: str
    log: Path


def servers() -> Iterator[tuple[str, str]]:
    """Slot and host:port of each of the two, the primary first."""
    yield from zip(SLOTS, settings.GATEWAY.model_servers, strict=False)


def check_artifact(folder: Path, canary_set: CanarySet | None) -> dict[str, Any]:
    """Prove an artifact in a process of its own (resnet_server/check.py); gives what that found.

    Raises: RollOutError with the reason why it must not serve.
    """
    command = [str(PYTHON), "-m", "resnet_server.check", str(folder.resolve())]
    if canary_set:
        command += ["--canary-set", str(canary_set.folder.resolve())]
        command += [] if canary_set.min_accuracy is None else ["--min-accuracy", str(canary_set.min_accuracy)]
    limit_s = settings.GATEWAY.model_check_limit_s
    try:
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=limit_s, check=False)
    except subprocess.TimeoutExpired as exc:
        raise RollOutError(f"The check of {folder} took longer than MODEL_CHECK_LIMIT_S, {limit_s:g} s.") from exc
    try:
        facts: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    except (ValueError, IndexError) as exc:
        raise RollOutError(f"{folder} ended the process that loaded it: {_end_of(done)}") from exc
    if "reason" in facts:
        raise RollOutError(str(facts["reason"]))
    return facts


def _end_of(done: subprocess.CompletedProcess[str]) -> str:
    code = done.returncode
    how = signal.Signals(-code).name if code < 0 else f"exit status {code}"
    return " ".join([how, *done.stderr.strip().splitlines()[-1:]])


def serving(address: str) -> Serving | None:
    """What the server at this address serves now; None when it does not answer, or is not ready."""
    try:
        with requests.Session() as session:  # a new connection each time: an old one may lead to an old worker
            session.trust_env = False
            reply = session.get(f"http://{address}/readyz", timeout=PROBE_TIMEOUT_S, allow_redirects=False)
        document = reply.json()
        return Serving(str(document["model_version"]), int(document["pid"])) if reply.ok else None
    except (requests.RequestException, ValueError, KeyError, TypeError):
        return None


def serve(*, slot: str, address: str, version: str) -> bool:
    """Make a server load what its pointer names; returns when no worker of it serves anything else.

    False when it does not run, because somebody stopped it or all of Pm: its next start serves it.
    Raises: RollOutError when it refuses, fails or is not ready in time.
    """
    since, before = datetime.now(UTC), serving(address)
    if not _tell(slot, is_ready=before is not None):
        return False
    deadline = time.monotonic() + READY_LIMIT_S
    while time.monotonic() < deadline:
        now = serving(address)
        if now and now.version == version and not (before and _is_alive(before.pid)):
            return True
        _raise_if_failed(slot, since)
        time.sleep(PROBE_EVERY_S)
    raise RollOutError(f"{slot} was not ready with {version} after {READY_LIMIT_S:g} s; see the files in log/.")


def _tell(slot: str, *, is_ready: bool) -> bool:
    """HUP to a server that runs, which loads the new model before it lets go of the old; a broken one is started.

    One that has just been started and is not ready is started anew: it may not know HUP yet, and would die of it.
    """
    state = program(slot).state
    if state in GONE:
        return False
    is_coming = state == "STARTING" and not is_ready
    if state == "BACKOFF" or is_coming:
        supervisor("stopProcess", slot)
    if state in BROKEN or is_coming:
        supervisor("startProcess", slot, DO_NOT_WAIT)
    else:
        supervisor("signalProcess", slot, "HUP")
    return True


def _is_alive(pid: int) -> bool:
    return Path(f"/proc/{pid}").exists()


def _raise_if_failed(slot: str, since: datetime) -> None:
    now = program(slot)
    reasons = {event["event"]: event["reason"] for event in _events(now.log, since) if "reason" in event}
    if now.state in BROKEN + GONE or "reload refused" in reasons:
        why = reasons.get("model refused") or reasons.get("reload refused") or f"it is {now.state}; see {now.log}"
        raise RollOutError(f"{slot} does not serve it: {why}")


def _events(log: Path, since: datetime) -> Iterator[dict[str, Any]]:
    """The JSON lines at the end of a log that are not older than `since`."""
    try:
        with log.open("rb") as file:
            file.seek(max(0, log.stat().st_size - TAIL_BYTES))
            lines = file.read().splitlines()
    except OSError:
        return
    for line in lines:
        try:
            event = json.loads(line)
            if datetime.fromisoformat(event["time"]) >= since:
                yield event
        except (ValueError, KeyError, TypeError):  # the first line may be cut, others are no JSON
            continue


def program(slot: str) -> Program:
    """What supervisord says of a slot; the state is ABSENT where none runs.

    Raises: RollOutError when it runs and cannot be asked.
    """
    try:
        row = supervisor("getProcessInfo", slot)
    except OSError:
        return Program(ABSENT, Path())
    return Program(row["statename"], Path(row["stdout_logfile"]))


def supervisor(method: str, *arguments: object) -> Any:  # noqa: ANN401 - XML-RPC answers what it answers
    """One call to supervisord.

    Raises: OSError when nothing listens on its socket; RollOutError when it refuses.
    """
    socket = settings.GATEWAY.var_dir / "run" / "supervisor.sock"
    try:
        return supervisord.call(socket, method, *arguments)
    except (Fault, ProtocolError) as exc:
        raise RollOutError(f"supervisord refuses {method} {arguments[0]}: {exc}") from exc
