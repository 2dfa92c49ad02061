"""manage.py export_labels: writes the labelled photos as the folders that training reads."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import Error as DatabaseError

from Pm.labelling.export_zip import zip_export
from Pm.labelling.exporting import LABELLED, LEFT_OUT, SAMPLE, Exporter, labels_export
from Pm.management.database import require_database


class Command(BaseCommand):
    help = "Write the labelled photos: labelled/ to train on, sample/ (drawn at random) to measure on."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("folder", type=Path, nargs="?", help="a new folder")
        parser.add_argument("--for-admin", action="store_true", help="as the zip of the admin's page, without a folder")
        parser.add_argument(
            "--with-sample", action="store_true", help="the random sample in labelled/ as well, to train on it too"
        )

    def handle(self, *_: object, folder: Path | None, with_sample: bool, for_admin: bool, **__: Any) -> None:  # noqa: ANN401
        if (folder is None) != for_admin:
            raise CommandError("Name a new folder, or give --for-admin.")
        require_database()
        if folder is None:
            self._zip(with_sample=with_sample)
        else:
            self._folder(folder, with_sample=with_sample)

    def _zip(self, *, with_sample: bool) -> None:
        try:
            self.stdout.write(f"wrote {zip_export(with_sample=with_sample)}")
        except BlockingIOError as exc:
            raise CommandError("Wait: another export is being written.") from exc
        except (OSError, DatabaseError) as exc:
            raise CommandError(str(exc)) from exc
        self.stdout.write("next: fetch it at /admin/labelling/export/")

    def _folder(self, folder: Path, *, with_sample: bool) -> None:
        exporter = Exporter(with_sample=with_sample)
        try:
            labels_export(exporter, folder)
        except OSError as exc:
            raise CommandError(str(exc)) from exc
        for part in (LABELLED, SAMPLE):
            counts = [exporter.counts.get((part, label), 0) for label in ("offline", "online")]
            if any(counts):
                self.stdout.write(f"wrote {folder / part}: {counts[0]} offline, {counts[1]} online")
        self.stdout.write(f"wrote {folder / LEFT_OUT}: {len(exporter.left_out)} photos")
        if exporter.counts:
            self.stdout.write(f"next: python -m training analyze {folder / LABELLED} --out analysis")
        else:
            self.stdout.write("next: label photos at /admin/labelling/queue/; there are none with a label yet.")
