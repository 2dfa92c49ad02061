"""Writes the labelled photos as the folders that `python -m training` reads."""

import csv
import io
import shutil
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from django.conf import settings
from django.db.models import Prefetch, Q, QuerySet

from Pm.images import find_image
from Pm.models import Label, Photo
from Pm.report.exports import defused

LABELLED, SAMPLE = "labelled", "sample"  # two data folders: what a model learns from, and what it is measured on
MANIFEST, LEFT_OUT = "manifest.csv", "left_out.csv"
COLUMNS = ("cls", "file", "group", "sha256", "labelled_by", "agreed")
FOLDER = "folder"  # who labelled what an import found in a class's folder
CHUNK = 500  # photos whose labels are read at once


@dataclass(frozen=True)
class ExportedFile:
    """One file of the export: a kept picture, or a text."""

    name: str
    picture: Path | None = None
    text: str = ""


@dataclass
class Exporter:
    """Walks the label set once; `counts` (data folder, class) and `left_out` (name, sha256, why) fill on the way."""

    with_sample: bool = False
    counts: dict[tuple[str, str], int] = field(default_factory=dict)
    left_out: dict[tuple[str, str, str], None] = field(default_factory=dict)  # in order, each once

    def files(self) -> Iterator[ExportedFile]:
        """Every picture with a label, then a manifest a data folder, then what was left out.

        Photos of the random sample lie apart, so that nothing is trained on what accuracy is measured on, unless
        `with_sample` wants them in both folders.
        """
        rows: dict[str, list[tuple[str, ...]]] = {}
        for photo in labelled_photos():
            picture = find_image(settings.GATEWAY.media_root, photo.content_sha256)
            for folder in self._folders(photo):
                label = photo.blind_label if folder == SAMPLE else photo.label
                if picture is None or not label or (photo.conflict and folder != SAMPLE):
                    self.left_out[photo.name, photo.content_sha256, _why_left_out(photo, picture)] = None
                    continue
                self.counts[folder, label] = self.counts.get((folder, label), 0) + 1
                rows.setdefault(folder, []).append(_row(photo, label, picture, is_sample=folder == SAMPLE))
                yield ExportedFile(f"{folder}/{label}/{picture.name}", picture)
        for folder, table in rows.items():
            yield ExportedFile(f"{folder}/{MANIFEST}", text=_csv(COLUMNS, table))
        yield ExportedFile(LEFT_OUT, text=_csv(("name", "sha256", "why"), self.left_out))

    def _folders(self, photo: Photo) -> list[str]:
        if not photo.sample:
            return [LABELLED]
        return [SAMPLE, LABELLED] if self.with_sample else [SAMPLE]


def labelled_photos() -> Iterator[Photo]:
    """Every photo with a label, with the labels that count for anything, oldest first."""
    counts = Q(undone_at=None) | Q(corrected=True)
    live: QuerySet[Label] = Label.objects.filter(counts).select_related("by").order_by("id")
    photos = Photo.objects.exclude(label="").order_by("id").prefetch_related(Prefetch("labels", live, "counting"))
    return iter(photos.iterator(chunk_size=CHUNK))


def _why_left_out(photo: Photo, picture: Path | None) -> str:
    if picture is None:
        return "its picture is no longer kept"
    if photo.conflict:
        return "labellers do not agree"
    return "it was labelled with the model's answer in sight, and the sample is to measure with"


def _row(photo: Photo, said: str, picture: Path, *, is_sample: bool) -> tuple[str, ...]:
    labels: list[Label] = photo.counting  # type: ignore[attr-defined] # prefetched
    agreed = [label for label in labels if label.answer == said and _counts(label, is_sample=is_sample)]
    names = ";".join(label.by.get_username() if label.by else FOLDER for label in agreed)
    return said, picture.name, photo.group, photo.content_sha256, names, str(len(agreed))


def _counts(label: Label, *, is_sample: bool) -> bool:
    return label.blind and label.by is not None if is_sample else label.undone_at is None


def _csv(columns: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(columns)
    writer.writerows(map(defused, row) for row in rows)
    return out.getvalue()


def labels_export(exporter: Exporter, target: Path) -> None:
    """Write the export into a new folder.

    Raises: FileExistsError when there is something already; OSError.
    """
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        raise FileExistsError(f"{target} exists already and is not an empty folder; name a new one.")
    target.mkdir(parents=True, exist_ok=True)
    for file in exporter.files():
        path = target / file.name
        path.parent.mkdir(parents=True, exist_ok=True)
        if file.picture:
            shutil.copyfile(file.picture, path)
        else:
            path.write_text(file.text, encoding="utf-8")
