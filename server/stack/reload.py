"""Replaces every process by one that runs the code, packages and settings that lie here now, while others answer."""

import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from xmlrpc.client import Fault

from Pm.errors import RollOutError
from server.stack import preflight, supervisor
from server.stack.prepare import prepare, say
from server.stack.sample import is_ready
from server.stack.settings import StackError, StackSettings

LIMIT_S = 120.0  # as at the start of the whole stack; above each program's stopwaitsecs
BACKUP_FIRST = ("resnet_server2", "resnet_server1")


def reload(settings: StackSettings) -> None:
    """The database, then the model servers one after the other, the gateway's workers, and nginx.

    supervisord itself, and what supervisord.conf says, are changed by make stop and make run only.
    Raises: StackError when Pm does not run, or a part does not come back; the parts after it go on as they were.
    """
    if supervisor.programs() is None:
        raise StackError("Pm is not running: make run starts it with what lies here now.")
    preflight.check_settings(settings)
    preflight.check_code()
    prepare(settings)
    preflight.check_nginx(settings)
    from Pm import artifacts  # after prepare has set Django up

    try:
        with artifacts.alone("Pm is being reloaded"):
            for slot in BACKUP_FIRST:
                restart_model_server(slot, settings)
    except RollOutError as exc:
        raise StackError(str(exc)) from exc
    replace_workers()
    say("nginx takes its new configuration")
    supervisor.call("signalProcess", "nginx", "HUP")
    wait(lambda: is_ready(f"{settings.public_url}/readyz"), "main_server")
    tell_what_needs_a_stop()


def restart_model_server(slot: str, settings: StackSettings) -> None:
    """Stop one and start it anew, once the other is ready to answer alone."""
    servers = dict(zip(reversed(BACKUP_FIRST), settings.gateway.model_servers, strict=False))
    (other,) = set(BACKUP_FIRST) - {slot}
    wait(lambda: is_ready(f"http://{servers[other]}/readyz"), other)
    start = time.monotonic()
    with suppress(Fault):  # it did not run
        supervisor.call("stopProcess", slot)
    supervisor.call("startProcess", slot)
    wait(lambda: is_ready(f"http://{servers[slot]}/readyz"), slot)
    say(f"{slot} is new, ready after {time.monotonic() - start:.1f} s")


def replace_workers() -> None:
    """The gateway's workers, one after the other; what each works on, it finishes."""
    start = time.monotonic()
    master = int(supervisor.call("getProcessInfo", "main_server")["pid"])
    old = children(master)
    supervisor.call("signalProcess", "main_server", "HUP")
    wait(lambda: not old & (now := children(master)) and len(now) == len(old), "main_server")
    say(f"main_server's workers are new after {time.monotonic() - start:.1f} s")


def children(pid: int) -> set[int]:
    """The processes that a process has started."""
    return {int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()}


def wait(condition: Callable[[], bool], program: str) -> None:
    """Wait until a program is as it should be.

    Raises: StackError with the end of its log when it takes too long.
    """
    deadline = time.monotonic() + LIMIT_S
    while not condition():
        if time.monotonic() > deadline:
            tail = supervisor.log_tail(program)
            raise StackError(f"{program} did not become ready; its log ends with:\n{tail}\nPut that right, then again.")
        time.sleep(0.1)


def tell_what_needs_a_stop() -> None:
    """Say so where supervisord.conf has changed: only a new start reads it."""
    added, changed, removed = supervisor.call("reloadConfig")[0]
    if names := sorted({*added, *changed, *removed}):
        say(
            f"supervisord.conf has changed for {', '.join(names)}: make stop and make run, when ten seconds are at hand"
        )
