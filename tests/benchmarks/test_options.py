"""How a benchmark's command ends."""

import subprocess
import sys

from server.env import ROOT

COMMAND = """
import time
from benchmarks import options

def command() -> None:
    try:
        print("started", flush=True)
        time.sleep(60)
    finally:
        print("what was started has ended", flush=True)

options.run(command)
"""


def test_a_command_that_is_terminated_ends_what_it_started() -> None:
    command = [sys.executable, "-c", COMMAND]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout
        assert process.stdout.readline() == "started\n"
        process.terminate()
        assert process.stdout.read() == "what was started has ended\n"
        assert process.wait(30) != 0
