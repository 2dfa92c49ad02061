"""Exports: the folder that training reads, conflicts and the random sample apart."""

import csv
import os
import zipfile
from collections.abc import Iterator
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from Pm.labelling import export_zip
from Pm.labelling.export_zip import ExportState, export_state, exported_zip
from Pm.labelling.exporting import ExportedFile, Exporter
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
    Photo.objects.filter(name="gone").update(sample=True)
    assert f"wrote {tmp_path / 'both/left_out.csv'}: 2 photos" in export(tmp_path / "both", "--with-sample")


def test_the_random_sample_is_trained_on_only_when_asked_for(labelled: dict[str, str], tmp_path: Path) -> None:
    export(tmp_path / "apart")
    assert not list(tmp_path.glob(f"apart/labelled/*/{labelled['drawn']}.png"))
    assert list(tmp_path.glob(f"apart/sample/offline/{labelled['drawn']}.png"))
    export(tmp_path / "both", "--with-sample")
    assert list(tmp_path.glob(f"both/labelled/offline/{labelled['drawn']}.png"))


def test_the_sample_is_labelled_by_who_did_not_see_the_models_answer(labelled: dict[str, str], tmp_path: Path) -> None:
    drawn = Photo.objects.get(name="drawn")
    told = Photo.objects.create(content_sha256=keep(picture(9999)), name="told", format="PNG", sample=True)
    for one, person, answer in ((drawn, "ann", "online"), (drawn, "eve", "online"), (told, "eve", "online")):
        label_give(photo_id=one.pk, by=user(person), answer=answer, blind=False)
    label_give(photo_id=drawn.pk, by=None, answer="offline", blind=False)
    export(tmp_path / "out", "--with-sample")
    (row,) = rows(tmp_path / "out" / "sample" / "manifest.csv")
    assert (row["sha256"], row["cls"], row["labelled_by"], row["agreed"]) == (labelled["drawn"], "offline", "ann", "1")
    found = {row["sha256"]: row for row in rows(tmp_path / "out" / "labelled" / "manifest.csv")}
    row = found[labelled["drawn"]]
    assert (row["cls"], row["labelled_by"], row["agreed"]) == ("online", "ann;eve", "2")
    left_out = {row["name"]: row["why"] for row in rows(tmp_path / "out" / "left_out.csv")}
    assert "with the model's answer in sight" in left_out["told"]


def zip_by_command(*options: str) -> Path:
    out = StringIO()
    call_command("export_labels", "--for-admin", *options, stdout=out)
    path = exported_zip()
    assert path
    assert f"wrote {path}\n" in out.getvalue()
    return path


def test_the_zip_of_the_page_holds_the_same(labelled: dict[str, str], tmp_path: Path) -> None:
    out = tmp_path / "out"
    export(out)
    with zipfile.ZipFile(zip_by_command()) as archive:
        assert archive.testzip() is None
        held = {name: archive.read(name) for name in archive.namelist()}
    assert held == {path.relative_to(out).as_posix(): path.read_bytes() for path in out.rglob("*") if path.is_file()}


@pytest.mark.usefixtures("every_process_is_a_command")
def test_the_zip_is_whole_or_not_there_and_its_state_tells_how_far_it_is(
    labelled: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    first = zip_by_command()
    monkeypatch.setattr(export_zip, "SAVED_EVERY", 2)
    files, seen = Exporter.files, []

    def broken(exporter: Exporter) -> Iterator[ExportedFile]:
        for number, file in enumerate(files(exporter)):
            seen.append(export_state())
            if number == 3:
                raise OSError(28, "No space left on device")
            yield file

    monkeypatch.setattr(Exporter, "files", broken)
    with pytest.raises(CommandError, match="No space left on device"):
        zip_by_command()
    assert [(state.done, state.photos, state.is_running) for state in seen if state] == [
        *[(0, 7, True), (0, 7, True), (2, 7, True), (2, 7, True)]
    ]
    state = export_state()
    assert state
    assert (state.is_running, state.error) == (False, "[Errno 28] No space left on device")
    assert sorted(path.name for path in first.parent.iterdir()) == [first.name, "lock", "state.json"]


def test_one_zip_is_kept_and_for_a_day(labelled: dict[str, str]) -> None:
    path = zip_by_command()
    older = path.rename(path.with_name("labels-2020-01-01-000000.zip"))
    path = zip_by_command("--with-sample")
    assert path.exists()
    assert not older.exists()
    os.utime(path, (0, 0))
    assert exported_zip() is None
    assert not path.exists()


def test_two_zips_are_not_written_at_once(labelled: dict[str, str]) -> None:
    with export_zip._alone(), pytest.raises(CommandError, match=r"^Wait: another export is being written\.$"):
        call_command("export_labels", "--for-admin")
    with pytest.raises(CommandError, match=r"^Name a new folder, or give --for-admin\.$"):
        call_command("export_labels")


def test_an_export_whose_process_is_gone_was_interrupted() -> None:
    assert ExportState(2**22 + 1).is_interrupted
    assert not ExportState(2**22 + 1, is_done=True).is_interrupted
    assert ExportState(1).is_interrupted  # a number that was given anew


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
