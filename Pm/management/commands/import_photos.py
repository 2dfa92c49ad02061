"""manage.py import_photos: adds the photos of a folder or zip to those that people label."""

import os
import sys
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import Error as DatabaseError
from django.utils import translation

from Pm.labelling.importing import photos_import
from Pm.labelling.sources import ImportRefusedError, readable
from Pm.management.database import require_database
from Pm.models import PhotoImport

MAX_GROUP_CHARACTERS = 255


class Command(BaseCommand):
    help = "Add the photos of a folder or zip to the labelling queue; broken files are listed with why."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("source", type=Path, metavar="FOLDER|ZIP")
        parser.add_argument(
            "--label-from-folders", action="store_true", help="what lies in a folder offline or online is that"
        )
        parser.add_argument("--group", default="", help="what all of it belongs to; else each sub-folder is a group")
        parser.add_argument("--by", default="", help="who asked for it")
        parser.add_argument("--record", type=int, help="the import to go on with (the admin's page made it)")
        parser.add_argument("--language", default="en", help="of the reasons for what is refused")
        parser.add_argument("--remove", action="store_true", help="delete the zip afterwards (an upload)")

    def handle(self, *_: object, source: Path, remove: bool, **options: Any) -> None:  # noqa: ANN401
        if len(options["group"]) > MAX_GROUP_CHARACTERS:
            raise CommandError(f"--group has at most {MAX_GROUP_CHARACTERS} characters.")
        require_database()
        record = self._record(source, options)
        try:
            with translation.override(options["language"]):
                photos_import(source, record, self._progress)
        except (ImportRefusedError, OSError, DatabaseError) as exc:
            raise CommandError(str(exc)) from exc
        finally:
            if remove:
                source.unlink(missing_ok=True)
        for name, why in record.refused:
            self.stdout.write(f"refused {name}: {why}")
        self.stdout.write(
            f"Imported {record.added} photos, {record.known} were known already; {record.labelled} labelled by their "
            f"folders, {len(record.refused)} refused."
        )
        self.stdout.write("next: label them at /admin/labelling/queue/, or manage.py export_labels FOLDER")

    def _record(self, source: Path, options: dict[str, Any]) -> PhotoImport:
        if options["record"] is None:
            return PhotoImport(
                name=readable(os.fsencode(source.resolve().name))[:255],
                by=options["by"],
                group=options["group"],
                label_from_folders=options["label_from_folders"],
            )
        try:
            return PhotoImport.objects.get(pk=options["record"])
        except PhotoImport.DoesNotExist as exc:
            raise CommandError(f"There is no import {options['record']}.") from exc

    def _progress(self, record: PhotoImport) -> None:
        end = "\r" if sys.stderr.isatty() else "\n"
        self.stderr.write(f"{record.looked_at} of {record.files}", ending=end)
