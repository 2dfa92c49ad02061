"""What the tests of roll-outs do with a running stack: deploy, refuse, kill, and see what is served."""

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import requests

from tests.e2e.stack import Stack

LONG = "PM_LONG" in os.environ  # an hour of it: make chaos
SLOTS = ("resnet_server1", "resnet_server2")
Make = Callable[[str], Path]  # version → artifact


def deploy(stack: Stack, artifact: Path | str, *options: str) -> str:
    return stack.run("python", "manage.py", "deploy_model", str(artifact), *options).stdout


def refusal(stack: Stack, artifact: Path, *options: str) -> str:
    """What deploy_model says when it refuses."""
    done = stack.run("python", "manage.py", "deploy_model", str(artifact), *options, check=False)
    assert done.returncode == 1, done.stdout
    assert "Traceback" not in done.stderr
    return done.stderr


def served(stack: Stack) -> set[str]:
    """The versions that the two servers serve."""
    urls = [f"http://127.0.0.1:{stack.ports[name]}/readyz" for name in ("model1", "model2")]
    return {requests.get(url, timeout=10).json()["model_version"] for url in urls}


def pointers(stack: Stack) -> set[str]:
    return {str((stack.root / "var/models" / slot).readlink()) for slot in SLOTS}


def last_roll_out(stack: Stack) -> tuple[str, str]:
    """State and error of the newest record."""
    state, error = stack.sql("select state, error from Pm_rollout order by id desc limit 1")[0]
    return state, error


def begin(stack: Stack, artifact: Path) -> "subprocess.Popen[str]":
    """Start deploy_model; its progress can be read line by line."""
    command = ["python", "manage.py", "deploy_model", str(artifact)]
    return subprocess.Popen(
        command, cwd=stack.root, env=stack.env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def wait_for_line(process: "subprocess.Popen[str]", line: str) -> None:
    assert process.stdout
    for said in process.stdout:
        if said.strip() == line:
            return
    raise AssertionError(f"{line} was never said")


def kill(process: "subprocess.Popen[str]") -> None:
    process.kill()
    process.communicate()
