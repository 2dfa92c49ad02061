"""Starts a command in a process of its own: it takes longer than a request may, and outlives the worker that asked."""

import subprocess
import tempfile
import threading

from Pm import serving
from Pm.artifacts import ROOT
from Pm.errors import RollOutError
from Pm.model_servers import PYTHON

REFUSAL_WAIT_S = 5.0  # what refuses at once does so by then: another roll-out, a folder that is gone


def start(command: str, *arguments: str) -> None:
    """Run manage.py `command`; how far it is, its own record tells.

    Raises: RollOutError with its last line, when it ends with an error within a few seconds.
    """
    with tempfile.TemporaryFile("w+", encoding="utf-8") as output:
        process = subprocess.Popen(
            [PYTHON, "manage.py", command, *arguments],
            cwd=ROOT,
            env=serving.environment_of_commands(),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            failed = process.wait(REFUSAL_WAIT_S)
        except subprocess.TimeoutExpired:
            threading.Thread(target=process.wait, daemon=True).start()  # leaves no zombie
            return
        if failed:
            output.seek(0)
            last = (output.read().strip().splitlines() or ["It ended without a word."])[-1]
            raise RollOutError(last.removeprefix("CommandError: "))
