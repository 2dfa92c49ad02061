"""docs/admin.md shows the screenshots that are kept, all of them, and they are small."""

import re

from server.env import ROOT

MAX_BYTES = 150_000


def test_screenshots_are_those_that_the_document_shows() -> None:
    shown = set(re.findall(r"!\[[^\]]+\]\((images/admin/[^)]+)\)", (ROOT / "docs/admin.md").read_text()))
    kept = {f"images/admin/{path.name}": path.stat().st_size for path in (ROOT / "docs/images/admin").iterdir()}
    assert shown == set(kept)
    assert max(kept.values()) <= MAX_BYTES
