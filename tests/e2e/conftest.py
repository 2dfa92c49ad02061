"""One stack with the default settings serves most end-to-end tests; in another one, models are swapped."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.rollout import Make, deploy, served
from tests.e2e.stack import Stack, running_stack
from tests.tiny_model import write_artifact


@pytest.fixture
def tmp_path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A short one: below a worker's folder, the test's name would make sockets' paths too long for the kernel."""
    return tmp_path_factory.mktemp("e2e")


@pytest.fixture(scope="session")
def default_stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    with running_stack(tmp_path_factory.mktemp("stack"), CLIENT_RATE_PER_S="0") as stack:
        yield stack


@pytest.fixture
def stack(default_stack: Stack) -> Iterator[Stack]:
    """The default stack, whole before the test and whole again after it."""
    yield default_stack
    for name, state in default_stack.states().items():
        if state != "RUNNING":
            default_stack.ctl("start", name)
    default_stack.wait_ready()


@pytest.fixture
def own(tmp_path: Path) -> Iterator[Stack]:
    """A stack of the test's own, whose state, code and processes it may spoil."""
    with running_stack(tmp_path, GATEWAY_PROCESSES="2", CLIENT_RATE_PER_S="0") as stack:
        yield stack


@pytest.fixture(scope="session")
def rollout_stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    with running_stack(tmp_path_factory.mktemp("rollout"), CLIENT_RATE_PER_S="0") as stack:
        yield stack


@pytest.fixture(scope="session")
def make(tmp_path_factory: pytest.TempPathFactory) -> Make:
    """Makes a small artifact of a version."""
    folder = tmp_path_factory.mktemp("artifacts")
    return lambda version: write_artifact(folder / version, version=version)


@pytest.fixture
def model_stack(rollout_stack: Stack, make: Make) -> Stack:
    """A stack whose two servers serve version "before"."""
    if served(rollout_stack) != {"before"}:
        deploy(rollout_stack, make("before"))
    return rollout_stack
