"""A reload whose gateway ends under it waits for the next one, and ends with a sentence."""

import pytest

from server.stack import reload, supervisor
from server.stack.settings import StackError

ABSENT = 2**22 + 1  # above the kernel's highest process id


def test_a_gateway_that_ends_with_its_new_code_is_told_with_its_log(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(supervisor, "call", lambda method, *_: {"pid": ABSENT} if method == "getProcessInfo" else True)
    monkeypatch.setattr(reload, "gateway_workers", iter([{1, 2}, set(), set()]).__next__)
    monkeypatch.setattr(reload, "LIMIT_S", 0.0)
    with pytest.raises(StackError, match=r"^main_server did not become ready; its log ends with:\n"):
        reload.replace_workers()


def test_a_process_that_is_gone_has_no_children() -> None:
    assert reload.children(ABSENT) == set()
