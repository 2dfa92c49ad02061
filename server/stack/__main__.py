"""The stack's command line: up|down|status|reload|render for people, prepare-… for supervisor."""

import argparse
import fcntl
import os
import sys
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager

import process_metrics
from server.env import METRICS_FOLDER, ROOT
from server.stack import preflight, supervisor
from server.stack.orphans import end_orphans
from server.stack.prepare import has_admin, prepare, say
from server.stack.reload import reload
from server.stack.render import render
from server.stack.sample import is_ready, post_sample
from server.stack.settings import StackError, StackSettings, read_settings

FIRST_ADMIN = """
Nobody can sign in to the admin yet. Make the first administrator (it asks for a name and a password of 12 characters
or more), then sign in: the first page says what to do next.
  .venv/bin/python manage.py createsuperuser"""
READY_LIMIT_S = 120
FAILED_STARTS = 3  # of one program, until the start as a whole is given up


def up(settings: StackSettings) -> None:
    """Prepare and start what does not run yet, wait until it is ready, and say what is up."""
    with alone():
        start(settings)


def start(settings: StackSettings) -> None:
    """What `up` does while no other `up` does it."""
    if supervisor.programs() is not None:
        print("Pm is already running; nothing was changed.")
        status(settings)
        print_urls(settings)
        return
    preflight.check_all(settings)
    prepare(settings)
    say("Starting supervisord with main_server, nginx, resnet_server1, resnet_server2")
    supervisor.start()
    try:
        wait_until_ready(settings)
        status(settings)
        print_sample(settings)
    except StackError:
        say("Stopping again what was started")
        supervisor.shut_down()
        raise
    print_urls(settings)


@contextmanager
def alone() -> Iterator[None]:
    """Hold var/run/up.lock: a second start waits for the first, then finds everything running."""
    preflight.check_folders()
    with (ROOT / "var" / "run" / "up.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def wait_until_ready(settings: StackSettings) -> None:
    """Wait for every part: both model servers, then the whole path through nginx and uwsgi.

    Raises: StackError naming the part that is not ready in time or gave up, with the end of its log.
    """
    parts = {
        "resnet_server1": f"http://{settings.gateway.model_servers[0]}/readyz",
        "resnet_server2": f"http://{settings.gateway.model_servers[1]}/readyz",
        "main_server": f"{settings.public_url}/readyz",
    }
    start = time.monotonic()
    failed_starts: dict[str, set[int]] = defaultdict(set)
    for name, url in parts.items():
        while not is_ready(url):
            waited = time.monotonic() - start
            for program in supervisor.programs() or []:
                if program.state in ("BACKOFF", "FATAL"):
                    failed_starts[program.name].add(program.started)
            gave_up = [program for program, starts in failed_starts.items() if len(starts) >= FAILED_STARTS]
            if gave_up or waited > READY_LIMIT_S:
                culprit = gave_up[0] if gave_up else name
                raise StackError(
                    f"{culprit} did not become ready; its log ends with:\n{supervisor.log_tail(culprit)}\n"
                    "Correct what it says, then run make run again."
                )
            time.sleep(0.25)
        say(f"{name} is ready after {time.monotonic() - start:.1f} s")
    while any(program.state == "STARTING" for program in supervisor.programs() or []):
        time.sleep(0.1)  # supervisor calls a program RUNNING after its startsecs


def down(_: StackSettings) -> None:
    """Finish what is in flight and stop everything."""
    say("Stopping: finishing what is in flight")
    print("Pm is stopped." if supervisor.shut_down() else "Pm was not running.")


def status(_: StackSettings) -> None:
    """Print a line for each program, as supervisorctl does.

    Raises: StackError when not all four run.
    """
    programs = supervisor.programs()
    if programs is None:
        raise StackError("Pm is not running: start it with make run.")
    for program in programs:
        print(f"  {program.name:<16} {program.state:<9} {program.description}")
    stopped = [program.name for program in programs if program.state not in ("RUNNING", "STARTING")]
    if stopped:
        raise StackError(f"{stopped[0]} is not running: .venv/bin/supervisorctl start {stopped[0]}, or read its log.")


def print_sample(settings: StackSettings) -> None:
    """Post the sample picture and print its answer."""
    if settings.gateway.require_api_key:
        print("\nAPI keys are required, so no sample was posted: send Authorization: Api-Key <key> with yours.")
        return
    answer = post_sample(settings)
    print(f"\nThe sample picture was answered in {answer.ms:.0f} ms:")
    print(f"  {answer.body}   score {answer.score}, model {answer.model_version}")


def print_urls(settings: StackSettings) -> None:
    """Print where everything is."""
    url = settings.public_url
    print(f"""
  API     {url}/api/v1/get_pm      (POST, see docs/api.md)
  docs    {url}/api/docs/
  admin   {url}/admin/
  health  {url}/healthz  {url}/readyz
  logs    log/   (make logs)        state  var/   (back it up)
Stop it with make stop.""")
    if not has_admin():
        print(FIRST_ADMIN)


def prepare_nginx(settings: StackSettings) -> None:
    """What supervisor runs before nginx: the generated includes, and no worker of a killed nginx on its ports."""
    render(settings)
    end_orphans()


def prepare_main_server(settings: StackSettings) -> None:
    """What supervisor runs before uwsgi: the generated includes, and counters that start from zero."""
    render(settings)
    process_metrics.clear(METRICS_FOLDER)


def reload_all(settings: StackSettings) -> None:
    """What runs becomes what lies here now, without a pause; no `up` meanwhile."""
    with alone():
        reload(settings)
    status(settings)


COMMANDS = {
    "up": up,
    "down": down,
    "status": status,
    "reload": reload_all,
    "render": render,
    "prepare-nginx": prepare_nginx,
    "prepare-main-server": prepare_main_server,
}


def main() -> None:
    """Run one command; what goes wrong ends in one sentence and exit status 1."""
    parser = argparse.ArgumentParser(prog="python -m server.stack", description=__doc__)
    parser.add_argument("command", choices=COMMANDS)
    command = COMMANDS[parser.parse_args().command]
    os.chdir(ROOT)
    os.umask(0o077)  # as in supervisord.conf: the database and its like are for this user only
    try:
        command(read_settings())
    except StackError as exc:
        sys.exit(f"Pm: {exc}")


if __name__ == "__main__":
    main()
