"""Imports: good pictures enter, everything else is told, nothing leaves its place."""

import io
import os
import zipfile
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import DatabaseError, connection

from Pm.labelling import importing, sources
from Pm.labelling.importing import photos_import
from Pm.labelling.sources import ImportRefusedError
from Pm.models import Label, Photo, PhotoImport
from tests.conftest import Change
from tests.Pm.labelling.photos import picture

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def media(change: Change) -> Path:
    return change(second_label_percent=0).media_root


def run(source: Path, *options: str) -> str:
    out = StringIO()
    call_command("import_photos", str(source), *options, stdout=out, stderr=StringIO())
    return out.getvalue()


def write(folder: Path, files: dict[str, bytes]) -> Path:
    for name, data in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    return folder


def make_zip(path: Path, files: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return path


def refused() -> dict[str, str]:
    return dict(PhotoImport.objects.get().refused)


GOOD = {"offline/school a/1.png": picture(1), "online/2.png": picture(2), "other/3.jpg": picture(3, kind="JPEG")}


@pytest.mark.parametrize("as_zip", [False, True])
def test_pictures_of_a_folder_or_zip_wait_for_labels(tmp_path: Path, media: Path, as_zip: bool) -> None:
    source = make_zip(tmp_path / "photos.zip", GOOD) if as_zip else write(tmp_path / "photos", GOOD)
    assert "Imported 3 photos, 0 were known already; 0 labelled by their folders, 0 refused." in run(source)
    photos = Photo.objects.order_by("name")
    assert [(row.name, row.format, row.group, row.queue, row.waiting) for row in photos] == [
        ("offline/school a/1.png", "PNG", "school a", "imported", True),
        ("online/2.png", "PNG", "", "imported", True),
        ("other/3.jpg", "JPEG", "other", "imported", True),
    ]
    first = photos[0].content_sha256
    assert (media / first[:2] / f"{first}.png").read_bytes() == picture(1)
    record = PhotoImport.objects.get()
    assert (record.state, record.files, record.looked_at, record.added) == ("done", 3, 3, 3)


def test_folders_named_after_the_classes_are_labels(tmp_path: Path) -> None:
    source = write(tmp_path / "photos", GOOD)
    assert "2 labelled by their folders" in run(source, "--label-from-folders", "--group", "School B")
    assert list(Photo.objects.order_by("name").values_list("label", "group", "waiting")) == [
        ("offline", "School B", False),
        ("online", "School B", False),
        ("", "School B", True),
    ]
    assert set(Label.objects.values_list("by", flat=True)) == {None}
    assert set(Label.objects.values_list("blind", flat=True)) == {False}


def test_one_folder_around_all_photos_is_no_group(tmp_path: Path) -> None:
    run(make_zip(tmp_path / "a.zip", {"photos/offline/1.png": picture(1), "photos/online/2.png": picture(2)}))
    assert set(Photo.objects.values_list("group", flat=True)) == {""}


def test_the_same_import_again_adds_nothing(tmp_path: Path) -> None:
    source = write(tmp_path / "photos", GOOD)
    run(source, "--label-from-folders")
    assert "Imported 0 photos, 3 were known already; 2 labelled" in run(source, "--label-from-folders")
    assert (Photo.objects.count(), Label.objects.count()) == (3, 2)


def test_one_picture_in_both_folders_gets_no_label(tmp_path: Path) -> None:
    run(write(tmp_path / "photos", {"offline/1.png": picture(1), "online/1.png": picture(1)}), "--label-from-folders")
    assert Photo.objects.get().label == ""
    assert refused() == {"online/1.png": "The same picture lies in both folders: the folders give it no label."}


def test_no_third_copy_gives_a_picture_in_both_folders_its_label_back(tmp_path: Path) -> None:
    copies = dict.fromkeys(("a/offline/1.png", "a/online/1.png", "b/offline/1.png", "b/online/1.png"), picture(1))
    said = run(write(tmp_path / "photos", copies | {"b/online/2.png": picture(2)}), "--label-from-folders")
    assert Photo.objects.exclude(label="").get().name == "b/online/2.png"
    assert "; 1 labelled by their folders, 3 refused." in said


def test_what_is_no_whole_picture_is_told_with_why(tmp_path: Path, change: Change) -> None:
    change(max_image_bytes=2000)
    bad = {
        "cut.png": picture(1)[:60],
        "text.jpg": b"no picture",
        "empty.png": b"",
        "large.bmp": picture(5, kind="BMP"),
        "animation.webp": animation(),
    }
    run(write(tmp_path / "photos", bad | {"good.png": picture(1), ".DS_Store": b"x", "__MACOSX/1.png": b"x"}))
    whole = "It is no whole picture; JPEG, PNG, WebP, BMP or AVIF are taken."
    assert refused() == {
        "animation.webp": "It is an animation; a single still picture is taken.",
        "cut.png": whole,
        "empty.png": whole,
        "large.bmp": "It has more than 2000 bytes (MAX_IMAGE_BYTES).",
        "text.jpg": whole,
    }
    assert Photo.objects.get().name == "good.png"


def animation() -> bytes:
    from PIL import Image

    out = io.BytesIO()
    frames = [Image.new("RGB", (8, 8), colour) for colour in ("red", "blue")]
    frames[0].save(out, "WEBP", save_all=True, append_images=frames[1:])
    return out.getvalue()


def test_a_bomb_is_unpacked_no_further_than_a_picture_may_have(tmp_path: Path, change: Change) -> None:
    change(max_image_bytes=5000)
    with zipfile.ZipFile(tmp_path / "bomb.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("bomb.png", b"\0" * 50_000_000)
    assert (tmp_path / "bomb.zip").stat().st_size < 60_000
    run(tmp_path / "bomb.zip")
    assert refused() == {"bomb.png": "It has more than 5000 bytes (MAX_IMAGE_BYTES)."}


def test_a_picture_of_too_many_pixels_is_not_decoded(tmp_path: Path) -> None:
    wide = bytearray(picture(1))
    wide[16:24] = (30_000).to_bytes(4, "big") * 2  # the header's width and height
    import zlib

    wide[29:33] = zlib.crc32(wide[12:29]).to_bytes(4, "big")
    run(write(tmp_path / "photos", {"wide.png": bytes(wide)}))
    assert refused() == {"wide.png": "It has 30000 x 30000 pixels; 50000000 in all and 20000 a side are taken."}


def test_names_that_point_out_of_the_zip_write_nothing_there(tmp_path: Path, media: Path) -> None:
    (tmp_path / "in").mkdir()
    run(
        make_zip(tmp_path / "in" / "evil.zip", {"../evil.png": picture(1), "/abs.png": picture(2), "a.png": picture(3)})
    )
    assert refused() == {
        "../evil.png": "Its name points out of the zip.",
        "/abs.png": "Its name points out of the zip.",
    }
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in", "var"]
    assert Photo.objects.get().name == "a.png"


def test_names_from_chinese_windows_are_read(tmp_path: Path) -> None:
    path = make_zip(tmp_path / "gbk.zip", {"AAAA/1.png": picture(1)})
    path.write_bytes(path.read_bytes().replace(b"AAAA", "北京".encode("gbk")))
    run(path)
    assert Photo.objects.get().name == "北京/1.png"


def test_an_encrypted_file_is_told(tmp_path: Path) -> None:
    path = make_zip(tmp_path / "secret.zip", {"a.png": picture(1)})
    data = bytearray(path.read_bytes())
    data[data.index(b"PK\x01\x02") + 8] |= 1
    path.write_bytes(data)
    run(path)
    assert refused() == {"a.png": "It is encrypted."}


def test_what_is_no_source_ends_in_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "text.zip").write_text("no zip")
    with pytest.raises(CommandError, match=r"^text.zip is no zip, or a damaged one.$"):
        run(tmp_path / "text.zip")
    with pytest.raises(CommandError, match=r"^absent is neither a folder nor a zip.$"):
        run(tmp_path / "absent")
    monkeypatch.setattr(sources, "MAX_FILES", 2)
    with pytest.raises(CommandError, match=r"^It has more than 2 files; divide it.$"):
        run(write(tmp_path / "photos", GOOD))
    assert set(PhotoImport.objects.values_list("state", flat=True)) == {"failed"}
    with pytest.raises(CommandError, match=r"^There is no import 99.$"):
        run(tmp_path, "--record", "99")


def test_an_import_whose_process_is_gone_says_so() -> None:
    assert PhotoImport(process=2**22 + 1).is_interrupted
    assert PhotoImport(process=1).is_interrupted  # a number that was given anew


def test_reasons_are_in_the_language_of_who_asked(tmp_path: Path) -> None:
    run(write(tmp_path / "photos", {"a.png": b"no picture"}), "--language", "zh-hans")
    assert refused() == {"a.png": "图片不完整或无法识别；接受 JPEG、PNG、WebP、BMP、AVIF。"}


def test_a_bad_upload_is_told_by_its_own_name(tmp_path: Path) -> None:
    (tmp_path / "0123.zip").write_bytes(b"no zip")
    record = PhotoImport.objects.create(name="坏.zip")
    with pytest.raises(CommandError, match=r"^坏.zip is no zip, or a damaged one.$"):
        run(tmp_path / "0123.zip", "--record", str(record.pk))


def test_sources_refuse_with_their_own_error(tmp_path: Path) -> None:
    with pytest.raises(ImportRefusedError), sources.open_source(tmp_path / "absent", "photos"):
        pass


def test_a_file_name_in_any_encoding_ends_no_import(tmp_path: Path) -> None:
    source = tmp_path / "photos"
    source.mkdir()
    for shade, name in enumerate(("班级.png".encode("gb18030"), b"\xff\xfe\x81.png")):
        (source / os.fsdecode(name)).write_bytes(picture(shade))
    record = PhotoImport.objects.create(name="photos")
    photos_import(source, record)
    assert (record.state, record.added) == ("done", 2)
    assert "班级.png" in set(Photo.objects.values_list("name", flat=True))


def test_whatever_ends_an_import_is_on_its_record(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "1.png").write_bytes(picture())
    record = PhotoImport.objects.create(name="photos")
    monkeypatch.setattr(importing, "_import_all", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        photos_import(tmp_path, record)
    assert (PhotoImport.objects.get().state, PhotoImport.objects.get().error) == ("failed", "division by zero")


@pytest.mark.parametrize("is_there", [True, False])
def test_the_name_of_the_source_itself_may_be_in_any_encoding(tmp_path: Path, is_there: bool) -> None:
    source = tmp_path / os.fsdecode("北京".encode("gb18030"))
    if is_there:
        write(source, {"1.png": picture(1)})
        run(source)
    else:
        with pytest.raises(CommandError, match=r"^北京 is neither a folder nor a zip.$"):
            run(source)
    record = PhotoImport.objects.get()
    assert (record.name, record.state) == ("北京", "done" if is_there else "failed")


@pytest.mark.parametrize("damage", ["name", "version"])
def test_a_zip_that_python_cannot_open_ends_in_one_sentence(tmp_path: Path, damage: str) -> None:
    path = make_zip(tmp_path / "odd.zip", {"é.png": picture(1)})
    data = bytearray(path.read_bytes())
    if damage == "name":
        data = data.replace("é".encode(), b"\xff\xfe")  # marked as UTF-8, and none
    else:
        data[data.index(b"PK\x01\x02") + 6] = 99  # the version of ZIP that is needed, times ten
    path.write_bytes(data)
    with pytest.raises(CommandError, match=r"^odd.zip is no zip, or a damaged one.$"):
        run(path)
    assert PhotoImport.objects.get().state == "failed"


def test_a_databases_error_is_on_the_record_without_what_no_database_takes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise DatabaseError("no \0room \ud800")

    monkeypatch.setattr(importing, "_ensure", fail)
    with pytest.raises(CommandError, match="room"):
        run(write(tmp_path / "photos", GOOD))
    record = PhotoImport.objects.get()
    assert (record.state, record.error) == ("failed", "no room ?")


def test_what_was_refused_is_written_once(tmp_path: Path) -> None:
    source = write(tmp_path / "photos", {f"{number}.txt": b"no picture" for number in range(50)})
    written: list[str] = []

    def count(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        if sql.startswith("UPDATE") and '"refused" =' in sql:
            written.append(sql)
        return execute(sql, params, many, context)

    with connection.execute_wrapper(count):
        run(source)
    assert len(refused()) == 50
    assert len(written) == 1  # when the import ends
