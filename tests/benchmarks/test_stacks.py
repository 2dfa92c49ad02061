"""Stacks that are measured wait for a disk that has just been cleared."""

from pathlib import Path

import pytest

from benchmarks import stacks
from benchmarks.processes import creation_us

Captured = pytest.CaptureFixture[str]


def test_creating_a_file_is_timed_and_leaves_none(tmp_path: Path) -> None:
    assert creation_us(tmp_path / "new") > 0
    assert list((tmp_path / "new").iterdir()) == []


def test_a_disk_that_passes_over_what_was_removed_is_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Captured
) -> None:
    slept: list[float] = []
    times = iter([870.0, 300.0, 12.0])
    monkeypatch.setattr(stacks, "creation_us", lambda _: next(times))
    monkeypatch.setattr("time.sleep", slept.append)
    stacks.wait_for_disk(tmp_path)
    assert slept == [stacks.LOOK_AGAIN_S] * 2
    assert capsys.readouterr().err.count("-- creating a file takes 870 µs") == 1


def test_a_disk_that_is_always_slow_is_not_waited_for_longer_than_it_remembers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stacks, "creation_us", lambda _: 500.0)
    monkeypatch.setattr(stacks, "DISK_LIMIT_S", 0)
    stacks.wait_for_disk(tmp_path)
