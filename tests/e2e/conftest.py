"""One stack with the default settings serves every end-to-end test that does not need others."""

from collections.abc import Iterator

import pytest

from tests.e2e.stack import Stack, running_stack


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
