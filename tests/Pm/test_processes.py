"""A process that a record names works as long as it is a command of ours."""

import os
import subprocess
import sys

from Pm.processes import is_command

READY = "print('ready', flush=True); input()"


def test_a_command_works_until_it_ends() -> None:
    line = [sys.executable, "-c", READY, "manage.py", "deploy_model"]
    with subprocess.Popen(line, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as command:
        assert command.stdout
        assert command.stdout.readline() == "ready\n"
        assert is_command(command.pid)
        command.communicate("\n")
    assert not is_command(command.pid)


def test_anybody_elses_process_is_none() -> None:
    assert not is_command(1)
    assert not is_command(os.getpid())
