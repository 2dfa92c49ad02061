"""manage.py export_labels: writes the labelled photos as the folders that training reads."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from Pm.labelling.exporting import LABELLED, LEFT_OUT, SAMPLE, Exporter, labels_export
from Pm.management.database import require_database


class Command(BaseCommand):
    help = "Write the labelled photos: labelled/ to train on, sample/ (drawn at random) to measure on."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("folder", type=Path, help="a new folder")
        parser.add_argument(
            "--with-sample", action="store_true", help="the random sample in labelled/ as well, to train on it too"
        )

    def handle(self, *_: object, folder: Path, with_sample: bool, **__: Any) -> None:  # noqa: ANN401
        require_database()
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
