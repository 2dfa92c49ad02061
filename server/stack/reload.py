"""Replaces every process by one that runs the code, packages and settings that lie here now, while others answer."""

import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from xmlrpc.client import Fault

from Pm import canary
from Pm.artifacts import SLOTS
from Pm.errors import RollOutError
from server.stack import preflight, supervisor
from server.stack.prepare import prepare, say
from server.stack.render import RUN, uwsgi
from server.stack.sample import is_ready
from server.stack.settings import StackError, StackSettings

LIMIT_S = 120.0  # as at the start of the whole stack; above each program's stopwaitsecs


def reload(settings: StackSettings) -> None:
    """The database, then the model servers one after the other, the gateway's workers, and nginx.

    supervisord itself, and what supervisord.conf says, are changed by make stop and make run only.
    Raises: StackError when Pm does not run, or a part does not come back; the parts after it go on as they were.
    """
    if supervisor.programs() is None:
        raise StackError("Pm is not running: make run starts it with what lies here now.")
    refuse_beside_canary(settings)
    preflight.check_settings(settings)
    preflight.check_code()
    prepare(settings)
    uwsgi_ini = RUN / "uwsgi.ini"
    uwsgi_changed = uwsgi_ini.exists() and uwsgi_ini.read_text(encoding="utf-8") != uwsgi(settings)
    preflight.check_nginx(settings)
    from Pm import artifacts  # after prepare has set Django up

    try:
        with artifacts.alone("Pm is being reloaded"):
            for slot in reversed(SLOTS):  # the backup first
                restart_model_server(slot, settings)
    except RollOutError as exc:
        raise StackError(str(exc)) from exc
    if is_running("main_server"):
        replace_workers()
    else:
        restart("main_server")
    if is_running("nginx"):
        say("nginx takes its new configuration")
        supervisor.call("signalProcess", "nginx", "HUP")
    else:
        restart("nginx")
    wait(lambda: is_ready(f"{settings.public_url}/readyz"), "main_server")
    tell_what_needs_a_stop(uwsgi_changed=uwsgi_changed)


def refuse_beside_canary(settings: StackSettings) -> None:
    """A canary's server that is restarted fails some requests in a row, which would end the canary.

    Raises: StackError saying what to do with it first.
    """
    if (settings.gateway.models_root / canary.FILE).exists():
        raise StackError("A canary runs: run manage.py canary --promote or canary --abort first. Nothing was changed.")


def restart_model_server(slot: str, settings: StackSettings) -> None:
    """Stop one and start it anew, once the other is ready to answer alone."""
    servers = dict(zip(SLOTS, settings.gateway.model_servers, strict=False))
    (other,) = set(SLOTS) - {slot}
    wait(lambda: is_ready(f"http://{servers[other]}/readyz"), other)
    start = time.monotonic()
    restart(slot)
    wait(lambda: is_ready(f"http://{servers[slot]}/readyz"), slot)
    say(f"{slot} is new, ready after {time.monotonic() - start:.1f} s")


def is_running(program: str) -> bool:
    """Whether it runs, as far as supervisor knows."""
    return any(each.name == program and each.state == "RUNNING" for each in supervisor.programs() or ())


def restart(program: str) -> None:
    """Stop it, whatever state it is in, and start it anew.

    Raises: StackError with the end of its log when it does not start.
    """
    with suppress(Fault):  # it did not run
        supervisor.call("stopProcess", program)
    try:
        supervisor.call("startProcess", program)
    except Fault as exc:
        raise StackError(not_ready(program)) from exc


def replace_workers() -> None:
    """The gateway's workers, one after the other; what each works on, it finishes."""
    start = time.monotonic()
    old = gateway_workers()
    supervisor.call("signalProcess", "main_server", "HUP")
    wait(lambda: not old & (now := gateway_workers()) and len(now) == len(old), "main_server")
    say(f"main_server's workers are new after {time.monotonic() - start:.1f} s")


def gateway_workers() -> set[int]:
    """uwsgi's; code that does not load ends its master with them, and supervisord starts another."""
    return children(int(supervisor.call("getProcessInfo", "main_server")["pid"]))


def children(pid: int) -> set[int]:
    """The processes that a process has started; none when it is gone."""
    try:
        return {int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()}
    except OSError:
        return set()


def wait(condition: Callable[[], bool], program: str) -> None:
    """Wait until a program is as it should be.

    Raises: StackError with the end of its log when it takes too long.
    """
    deadline = time.monotonic() + LIMIT_S
    while not condition():
        if time.monotonic() > deadline:
            raise StackError(not_ready(program))
        time.sleep(0.1)


def not_ready(program: str) -> str:
    """What to tell of a program that does not come back."""
    tail = supervisor.log_tail(program)
    return f"{program} did not become ready; its log ends with:\n{tail}\nPut that right, then again."


def tell_what_needs_a_stop(*, uwsgi_changed: bool) -> None:
    """Say so where supervisord.conf has changed, or what uwsgi's master alone reads: only a new start takes it."""
    added, changed, removed = supervisor.call("reloadConfig")[0]
    names = sorted({*added, *changed, *removed})
    waiting = [f"supervisord.conf for {', '.join(names)}"] if names else []
    if uwsgi_changed:
        waiting.append("GATEWAY_PROCESSES, GATEWAY_THREADS, GATEWAY_QUEUE_SIZE or MODEL_READ_TIMEOUT_S for uwsgi")
    if waiting:
        say(
            f"changed, and not in force yet: {'; '.join(waiting)}: make stop and make run, when ten seconds are at hand"
        )
