"""Exports: the folder that training reads, conflicts and the random sample apart."""

import csv
import io
import zipfile
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from Pm.labelling.exporting import Exporter, zip_stream
from Pm.labelling.services import label_give
from Pm.models import Photo
from tests.conftest import Change
from tests.Pm.labelling.photos import keep, kept_path, picture, user
from training.photos.data import load

pytestmark = pytest.mark.django_db


@pytest.fixture
def labelled(change: Change) -> dict[str, str]:
    """Name → hash of photos: two of each class, one in conflict, one of the sample, one whose picture is gone."""
    change()
    hashes = {}
    table = {
        "room": ("offline",),
        "hall": ("offline", "offline"),
        "slides": ("online",),
        "grid": ("online", "skip"),
        "strife": ("online", "offline"),
        "drawn": ("offline",),
        "gone": ("online",),
        "skipped": ("skip",),
    }
    for number, (name, answers) in enumerate(table.items()):
        hashes[name] = keep(picture(number * 700))
        is_sample = name == "drawn"
        one = Photo.objects.create(
            content_sha256=hashes[name],
            name=name,
            format="PNG",
            source="posted",
            queue="sample" if is_sample else "uncertain",
            sample=is_sample,
            group="School A" if name in ("room", "slides") else "",
            wanted=2,
        )
        for person, answer in zip(("ann", "ben"), answers, strict=False):
            label_give(photo_id=one.pk, by=user(person), answer=answer)
    kept_path(hashes["gone"]).unlink()
    return hashes


def export(folder: Path, *options: str) -> str:
    out = StringIO()
    call_command("export_labels", str(folder), *options, stdout=out)
    return out.getvalue()


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_the_export_is_what_training_reads(labelled: dict[str, str], tmp_path: Path) -> None:
    said = export(tmp_path / "out")
    assert f"wrote {tmp_path / 'out/labelled'}: 2 offline, 2 online\n" in said
    assert f"wrote {tmp_path / 'out/sample'}: 1 offline, 0 online\n" in said
    assert f"next: python -m training analyze {tmp_path / 'out/labelled'}" in said
    data = load(tmp_path / "out" / "labelled", 20, 20)
    groups = {sample.sha256: (sample.label, sample.group) for sample in data.samples}
    assert groups == {
        labelled["room"]: (0, "School A"),
        labelled["hall"]: (0, labelled["hall"]),
        labelled["slides"]: (1, "School A"),
        labelled["grid"]: (1, labelled["grid"]),
    }


def test_the_manifest_says_who_labelled_and_how_many_agreed(labelled: dict[str, str], tmp_path: Path) -> None:
    export(tmp_path / "out")
    found = {row["sha256"]: row for row in rows(tmp_path / "out" / "labelled" / "manifest.csv")}
    hall = labelled["hall"]
    assert found[hall] == {
        "cls": "offline",
        "file": f"{hall}.png",
        "group": "",
        "sha256": hall,
        "labelled_by": "ann;ben",
        "agreed": "2",
    }
    assert (found[labelled["grid"]]["labelled_by"], found[labelled["grid"]]["agreed"]) == ("ann", "1")


def test_conflicts_and_lost_pictures_are_left_out_and_listed(labelled: dict[str, str], tmp_path: Path) -> None:
    assert f"wrote {tmp_path / 'out/left_out.csv'}: 2 photos" in export(tmp_path / "out")
    assert rows(tmp_path / "out" / "left_out.csv") == [
        {"name": "strife", "sha256": labelled["strife"], "why": "labellers do not agree"},
        {"name": "gone", "sha256": labelled["gone"], "why": "its picture is no longer kept"},
    ]


def test_the_random_sample_is_trained_on_only_when_asked_for(labelled: dict[str, str], tmp_path: Path) -> None:
    export(tmp_path / "apart")
    assert not list(tmp_path.glob(f"apart/labelled/*/{labelled['drawn']}.png"))
    assert list(tmp_path.glob(f"apart/sample/offline/{labelled['drawn']}.png"))
    export(tmp_path / "both", "--with-sample")
    assert list(tmp_path.glob(f"both/labelled/offline/{labelled['drawn']}.png"))


def test_the_zip_holds_the_same_and_is_sent_while_it_is_made(labelled: dict[str, str], tmp_path: Path) -> None:
    out = tmp_path / "out"
    export(out)
    pieces = list(zip_stream(Exporter()))
    assert len(pieces) > 5
    with zipfile.ZipFile(io.BytesIO(b"".join(pieces))) as archive:
        assert archive.testzip() is None
        held = {name: archive.read(name) for name in archive.namelist()}
    assert held == {path.relative_to(out).as_posix(): path.read_bytes() for path in out.rglob("*") if path.is_file()}


def test_a_group_that_looks_like_a_formula_is_defused(labelled: dict[str, str], tmp_path: Path) -> None:
    Photo.objects.filter(name="room").update(group="=1+1")
    export(tmp_path / "out")
    assert "'=1+1" in {row["group"] for row in rows(tmp_path / "out" / "labelled" / "manifest.csv")}


def test_a_folder_with_something_in_it_is_refused(labelled: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine")
    with pytest.raises(CommandError, match="exists already and is not an empty folder"):
        export(tmp_path)


def test_nothing_to_export_says_what_to_do(change: Change, tmp_path: Path) -> None:
    change()
    assert "next: label photos at /admin/labelling/queue/" in export(tmp_path / "out")
