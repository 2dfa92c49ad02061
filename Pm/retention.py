"""Deletes what is older than wanted: records first, then pictures that no remaining record refers to."""

from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from django.db import transaction
from django.db.models import Count, F, Q, QuerySet

from Pm.models import Comparison, ModelVersion, Photo, Prediction
from Pm.photos.files import thumbnail_path

# Labels are work: their pictures stay, also when every record of them is gone. Undone labels count, as history.
UNLABELLED = Q(source=Photo.Source.POSTED, labels=None)
BATCH = 1000  # records or files at once: short write locks, so that requests go on meanwhile


@dataclass
class PruneReport:
    """What was deleted, or would be."""

    records: int = 0
    images: int = 0
    image_bytes: int = 0


def predictions_prune(
    *, before: datetime, media_root: Path, dry_run: bool, progress: Callable[[str], None]
) -> PruneReport:
    """Delete records and pictures older than `before`; with `dry_run` only count them.

    Raises: OSError, django.db.Error; what was deleted until then stays deleted, and the next run goes on.
    """
    report = PruneReport()
    for count in _prune_records(before, dry_run=dry_run):
        report.records += count
        progress(f"{report.records} records")
    if not dry_run:
        _prune_comparisons(before)
    for files in _old_files(media_root, before):
        for path in _without_records(files, before):
            if not dry_run and not _without_records([path], before):
                continue  # posted again, or labelled, since the batch was looked at
            size = _prune_file(path, before, dry_run=dry_run)
            report.images += size is not None
            report.image_bytes += size or 0
            if size is not None and not dry_run:
                _prune_photo(path.stem)
        progress(f"{report.images} images")
    return report


def _prune_records(before: datetime, *, dry_run: bool) -> Iterator[int]:
    old = Prediction.objects.filter(created_at__lt=before).order_by()
    if dry_run:
        yield old.count()
        return
    while ids := list(old.values_list("pk", flat=True)[:BATCH]):
        yield _prune_batch(Prediction.objects.filter(pk__in=ids).order_by())


def _prune_comparisons(before: datetime) -> None:
    """They name photos as records do, and go with these."""
    old = Comparison.objects.filter(created_at__lt=before).order_by()
    while ids := list(old.values_list("pk", flat=True)[:BATCH]):
        Comparison.objects.filter(pk__in=ids).delete()


@transaction.atomic
def _prune_batch(batch: QuerySet[Prediction]) -> int:
    """Delete records; how many each model version answered is remembered."""
    answered = batch.exclude(result="").values_list("model_version").annotate(count=Count("pk"))
    for version, count in list(answered):
        ModelVersion.objects.filter(version=version).update(pruned_answers=F("pruned_answers") + count)
    return batch.delete()[0]


def _old_files(media_root: Path, before: datetime) -> Iterator[list[Path]]:
    """Files not touched since `before`, in batches; left temporary files among them."""
    batch: list[Path] = []
    for path in media_root.glob("[0-9a-f][0-9a-f]/*"):
        with suppress(FileNotFoundError):  # a picture's temporary file just got its name
            if path.is_file() and path.stat().st_mtime < before.timestamp():
                batch.append(path)
        if len(batch) == BATCH:
            yield batch
            batch = []
    if batch:
        yield batch


def _without_records(files: list[Path], before: datetime) -> list[Path]:
    """Those that no newer record names, that nobody labelled, and that nobody imported to be labelled."""
    hashes = [path.stem for path in files]
    kept = Prediction.objects.filter(content_sha256__in=hashes, created_at__gte=before).order_by()
    needed = set(kept.values_list("content_sha256", flat=True))
    photos = Photo.objects.filter(content_sha256__in=hashes).exclude(UNLABELLED).order_by()
    needed |= set(photos.values_list("content_sha256", flat=True))
    return [path for path in files if path.stem not in needed]


def _prune_photo(sha256: str) -> None:
    """What waited for a label cannot be looked at any more; its thumbnail goes with it."""
    Photo.objects.filter(UNLABELLED, content_sha256=sha256).delete()
    thumbnail_path(sha256).unlink(missing_ok=True)


def _prune_file(path: Path, before: datetime, *, dry_run: bool) -> int | None:
    """The bytes freed; None when the picture was posted again a moment ago (storing touches it) or is gone."""
    try:
        state = path.stat()
        if state.st_mtime >= before.timestamp():
            return None
        if not dry_run:
            path.unlink()
    except FileNotFoundError:
        return None
    return state.st_size
