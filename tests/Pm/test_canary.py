"""Which photos a canary gets, and how each process of the gateway hears of it."""

import itertools
from collections.abc import Callable
from pathlib import Path

import pytest

from Pm import canary
from Pm.canary import Canary, bucket
from tests.conftest import Change


def of(percent: float) -> Canary:
    return Canary(roll_out=1, version="v2", percent=percent, shadow=False)


def taken(percent: float, names: int = 100) -> list[int]:
    return [number for number in range(names) if of(percent).takes(str(number))]


def test_a_photo_is_of_the_same_share_always() -> None:
    assert [bucket("12345"), bucket("北京校区Java学科12期开班合照")] == [4506, 4457]
    assert taken(5) == [14, 20, 47, 70, 81, 84, 88, 92, 99]


def test_a_larger_share_only_adds_photos() -> None:
    assert taken(10) == [14, 20, 39, 41, 47, 54, 70, 81, 84, 88, 92, 99]
    shares = [set(taken(percent)) for percent in (0.01, 1, 2.5, 5, 10, 33.3, 50, 99.99, 100)]
    assert all(smaller <= larger for smaller, larger in itertools.pairwise(shares))
    assert shares[-1] == set(range(100))


def test_the_share_is_as_large_as_asked_for() -> None:
    assert len(taken(5, names=20_000)) == pytest.approx(1000, rel=0.1)
    assert of(45.06).takes("12345") is False
    assert of(45.07).takes("12345") is True


def test_a_process_hears_of_a_canary_of_its_change_and_of_its_end(change: Change) -> None:
    change()
    assert canary.current() is None
    canary.publish(of(5))
    assert canary.current() == of(5)
    canary.publish(of(20))
    assert canary.current() == of(20)
    assert canary.clear() is True
    assert canary.current() is None
    assert canary.clear() is False


def test_the_file_is_read_once(change: Change, monkeypatch: pytest.MonkeyPatch) -> None:
    change()
    canary.publish(of(5))
    assert canary.current() == of(5)
    monkeypatch.setattr(canary, "_load", None)  # would be a TypeError
    assert canary.current() == of(5)


def spoilt(path: Path) -> None:
    path.write_text('{"roll_out": 1')


def of_another_kind(path: Path) -> None:
    path.write_text('["v2"]')


def a_folder(path: Path) -> None:
    path.mkdir()


@pytest.mark.parametrize("make", [spoilt, of_another_kind, a_folder])
def test_a_file_that_cannot_be_used_is_no_canary(change: Change, make: Callable[[Path], None]) -> None:
    folder = change().var_dir / "models"
    folder.mkdir(parents=True)
    make(folder / canary.FILE)
    assert canary.current() is None


def test_a_folder_that_cannot_be_written_is_told_in_the_log_only(
    change: Change, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    change()
    canary.publish(of(5))

    def refuse(_: Path) -> None:
        raise PermissionError(13, "Read-only file system")

    monkeypatch.setattr(Path, "unlink", refuse)
    assert canary.clear() is False
    assert "canary not removed" in caplog.text


def test_what_is_published_leaves_no_temporary_file(change: Change) -> None:
    folder = change().var_dir / "models"
    canary.publish(of(5))
    assert [path.name for path in folder.iterdir()] == [canary.FILE]
