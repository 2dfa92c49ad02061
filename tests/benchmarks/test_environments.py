import re
from pathlib import Path

import pytest

from server.env import ROOT

ASKED = sorted((ROOT / "requirements").glob("bench-*.txt"))


@pytest.mark.parametrize("asked", ASKED, ids=lambda path: path.stem)
def test_all_that_a_peer_brings_along_is_pinned(asked: Path) -> None:
    pinned = asked.with_suffix(".lock").read_text(encoding="utf-8").splitlines()
    assert all(re.fullmatch(r"\S+==\S+( ; .+)?", line) for line in pinned)
    names = re.findall(r"^([a-z-]+)(?:\[\w+\])?(==\S+)", asked.read_text(encoding="utf-8"), re.MULTILINE)
    assert names
    assert {name + version for name, version in names} <= set(pinned)
