"""A backup into the same folder, again: what the first one had copied and is gone since."""

from pathlib import Path

import pytest

from Pm import artifacts, backup, canary
from tests.conftest import Change
from tests.Pm.canaries import NEW


def test_pointers_and_a_share_that_are_gone_are_gone_from_the_backup(
    change: Change, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    change()
    monkeypatch.setattr(backup, "_back_up_database", lambda target: target / "db.sqlite3")
    (artifacts.models_folder() / "v2").mkdir()
    (artifacts.models_folder() / "v2/manifest.json").write_text("{}")
    for slot in artifacts.SLOTS:
        artifacts.point(slot, "v2")
    canary.publish(NEW)
    target = tmp_path / "backup"
    backup.back_up(target, lambda _: None)
    assert {path.name for path in (target / "models").iterdir()} == {*artifacts.SLOTS, "v2", ".canary.json"}
    for slot in artifacts.SLOTS:
        artifacts.point(slot, "")
    canary.clear()
    backup.back_up(target, lambda _: None)
    assert {path.name for path in (target / "models").iterdir()} == {"v2"}
