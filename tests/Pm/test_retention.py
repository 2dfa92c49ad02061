"""prune_predictions: what it deletes, what it spares, what it says."""

import os
from datetime import timedelta
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from Pm import retention
from Pm.images import image_path
from Pm.models import Photo, Prediction
from Pm.photos.files import thumbnail_path
from tests.conftest import Change

pytestmark = pytest.mark.django_db
OLD_DAYS, NEW_DAYS = 31, 29


@pytest.fixture
def media(change: Change) -> Path:
    return change().media_root


def keep(media: Path, name: str, days: int) -> Path:
    """A picture of 100 bytes that was last posted so many days ago."""
    path = image_path(media, name * 32, "PNG")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"x" * 100)
    then = (timezone.now() - timedelta(days=days)).timestamp()
    os.utime(path, (then, then))
    return path


def record(name: str, days: int) -> None:
    Prediction.objects.create(
        image_id=name,
        content_sha256=name * 32,
        result="offline",
        client="c",
        request_id="r",
        created_at=timezone.now() - timedelta(days=days),
    )


@pytest.fixture
def pictures(media: Path) -> dict[str, Path]:
    record("aa", OLD_DAYS)
    record("bb", OLD_DAYS)
    record("bb", NEW_DAYS)
    record("cc", NEW_DAYS)
    return {
        "old record": keep(media, "aa", OLD_DAYS),
        "old and new record": keep(media, "bb", OLD_DAYS),
        "new record": keep(media, "cc", NEW_DAYS),
        "no record": keep(media, "dd", OLD_DAYS),
        "not recorded yet": keep(media, "ee", 0),
    }


def prune(*arguments: str) -> str:
    out = StringIO()
    call_command("prune_predictions", "--older-than-days", "30", *arguments, stdout=out, stderr=StringIO())
    return out.getvalue()


def test_old_records_and_pictures_that_none_needs_are_deleted(pictures: dict[str, Path]) -> None:
    assert prune().startswith("Deleted 2 records and 2 images (200 bytes) older than ")
    kept = [name for name, path in pictures.items() if path.exists()]
    assert kept == ["old and new record", "new record", "not recorded yet"]
    assert sorted(Prediction.objects.values_list("image_id", flat=True)) == ["bb", "cc"]


def test_dry_run_counts_the_same_and_deletes_nothing(pictures: dict[str, Path]) -> None:
    assert prune("--dry-run").startswith("Would delete 2 records and 2 images (200 bytes) older than ")
    assert all(path.exists() for path in pictures.values())
    assert Prediction.objects.count() == 4


def test_second_run_finds_nothing(pictures: dict[str, Path]) -> None:
    prune()
    assert prune().startswith("Deleted 0 records and 0 images (0 bytes)")


def test_batches_delete_everything(pictures: dict[str, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retention, "BATCH", 1)
    assert prune().startswith("Deleted 2 records and 2 images")


def test_left_temporary_files_are_deleted(media: Path) -> None:
    path = keep(media, "aa", OLD_DAYS)
    path.rename(path.with_name(".tmpabc"))
    assert prune().startswith("Deleted 0 records and 1 images")


def test_missing_media_folder_is_no_error(media: Path) -> None:
    assert prune().startswith("Deleted 0 records and 0 images")


@pytest.mark.parametrize("days", ["0", "-1", "abc", "", "1.5", "36501", "000001000000", "9" * 50, "٣"])
def test_nonsense_is_refused_in_one_sentence(days: str) -> None:
    with pytest.raises(CommandError, match=r"^--older-than-days must be a whole number from 1 to 36500, not '.*'\.$"):
        call_command("prune_predictions", f"--older-than-days={days}")


def test_labelled_and_imported_photos_keep_their_pictures_when_their_records_go(media: Path) -> None:
    states = {"labelled": "aa", "undone": "bb", "imported": "cc", "waiting": "dd"}
    paths = {name: keep(media, short, OLD_DAYS) for name, short in states.items()}
    for name, short in states.items():
        record(short, OLD_DAYS)
        source = "imported" if name == "imported" else "posted"
        photo = Photo.objects.create(content_sha256=short * 32, name=name, source=source, queue="uncertain")
        if name in ("labelled", "undone"):
            photo.labels.create(answer="online", undone_at=timezone.now() if name == "undone" else None)
    thumbnail = thumbnail_path("dd" * 32)
    thumbnail.parent.mkdir(parents=True)
    thumbnail.write_bytes(b"small")
    assert prune("--dry-run").startswith("Would delete 4 records and 1 images")
    assert prune().startswith("Deleted 4 records and 1 images")
    assert [name for name, path in paths.items() if path.exists()] == ["labelled", "undone", "imported"]
    assert sorted(Photo.objects.values_list("name", flat=True)) == ["imported", "labelled", "undone"]
    assert not thumbnail.exists()
