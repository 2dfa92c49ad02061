"""The pages that bring photos in and labels out."""

import io
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from Pm import background
from Pm.errors import RollOutError
from Pm.labelling import export_zip, transfer_views, uploads
from Pm.labelling.export_zip import ExportState, zip_export
from Pm.labelling.services import label_give
from Pm.labelling.uploads import upload_append, upload_begin, upload_path
from Pm.models import Photo, PhotoImport
from tests.conftest import Change
from tests.Pm.labelling.photos import keep, member, picture, user

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def plain_settings(change: Change) -> None:
    change(second_label_percent=0)


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, ...]]:
    commands: list[tuple[str, ...]] = []
    monkeypatch.setattr(background, "start", lambda *command: commands.append(command))
    return commands


def send(client: Client, data: bytes, size: int, **query: str) -> list[Any]:
    """Send a file in pieces of `size` bytes."""
    upload, replies = "", []
    for offset in range(0, len(data), size):
        values = {"upload": upload, "offset": offset, "total": len(data), "name": "../photos.zip", **query}
        url = "/admin/labelling/import/piece/"
        reply = client.post(url, data[offset : offset + size], "application/octet-stream", query_params=values)
        replies.append(reply)
        upload = reply.json().get("upload", "")
    return replies


def test_an_upload_in_pieces_starts_an_import(started: list[tuple[str, ...]]) -> None:
    send(member("import_photo"), b"0123456789", 4, group="School A", label_from_folders="true")
    record = PhotoImport.objects.get()
    assert (record.name, record.by, record.group, record.label_from_folders) == ("photos.zip", "ann", "School A", True)
    ((command, path, *options),) = started
    assert (command, options) == ("import_photos", [f"--record={record.pk}", "--remove", "--language=en"])
    with open(path, "rb") as file:  # noqa: PTH123
        assert file.read() == b"0123456789"


def test_pieces_that_do_not_fit_are_refused(started: list[tuple[str, ...]], monkeypatch: pytest.MonkeyPatch) -> None:
    client, url = member("import_photo"), "/admin/labelling/import/piece/"
    first = send(client, b"0123", 2)[0].json()["upload"]
    started.clear()
    for query in (
        {"upload": first, "offset": "9", "total": "20"},
        {"upload": "../../secret_key", "offset": "1", "total": "2"},
        {"upload": first, "offset": "x", "total": "2"},
        {"upload": first, "offset": "0", "total": "9" * 5000},
        {},
    ):
        reply = client.post(url, b"x", "application/octet-stream", query_params=query)
        assert (reply.status_code, reply.json()) == (400, {"message": "The upload is broken; send it again."})
    form = client.post(url, {"a": "b"}, query_params={"offset": "0", "total": "9"})
    assert (form.status_code, form.json()) == (400, {"message": "The upload is broken; send it again."})
    monkeypatch.setattr(transfer_views, "MAX_ZIP_BYTES", 10)
    assert "divide it" in send(client, b"x" * 11, 11)[0].json()["message"]
    assert started == []


def test_a_piece_that_comes_twice_at_once_is_taken_once() -> None:
    upload = upload_begin()
    assert not upload_append(upload, 0, 1, b"0123")
    assert not upload_path(upload).exists()
    assert upload_append(upload, 0, 8, b"0123")
    with ThreadPoolExecutor(8) as pool:
        taken = list(pool.map(lambda piece: upload_append(upload, 4, 8, piece), [b"4567"] * 8))
    assert taken.count(True) == 1
    assert upload_path(upload).read_bytes() == b"01234567"


def test_an_upload_without_room_leaves_nothing_and_says_so(
    started: list[tuple[str, ...]], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fill(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("fcntl.flock", fill)
    client, why = member("import_photo"), "The upload could not be kept: No space left on device."
    (reply,) = send(client, b"0123", 4)
    assert (reply.status_code, reply.json()) == (503, {"message": why})
    monkeypatch.setattr(uploads, "upload_begin", lambda: "../none/x")
    monkeypatch.setattr(Path, "open", fill)
    page = client.post("/admin/labelling/import/", {"zip": io.BytesIO(b"0123")}, follow=True)
    assert why in page.content.decode()
    assert (list(upload_path("x").parent.glob("*.zip")), started) == ([], [])


def test_an_import_that_cannot_start_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: str) -> None:
        raise RollOutError("No room.")

    monkeypatch.setattr(background, "start", fail)
    send(member("import_photo"), b"0123", 4)
    record = PhotoImport.objects.get()
    assert (record.state, record.error) == ("failed", "No room.")


def test_the_export_is_written_by_a_process_of_its_own_and_sent_by_nginx(
    started: list[tuple[str, ...]], change: Change
) -> None:
    one = Photo.objects.create(
        content_sha256=keep(picture(1)), name="a", format="PNG", source="posted", queue="uncertain"
    )
    label_give(photo_id=one.pk, by=user("eve"), answer="online")
    client, url = member("export_labels"), "/admin/labelling/export/"
    assert client.get(f"{url}file/").status_code == 404
    assert client.post(url, {"with_sample": "on"})["Location"] == url
    assert started == [("export_labels", "--for-admin", "--with-sample")]
    path = zip_export(with_sample=False)
    assert path.name in client.get(url).content.decode()
    reply = client.get(f"{url}file/")
    assert (reply["X-Accel-Redirect"], reply["Content-Type"]) == (f"/_exports/{path.name}", "application/zip")
    assert reply["Content-Disposition"] == f'attachment; filename="{path.name}"'
    change(photos_served_by="django")
    sent = member("export_labels").get(f"{url}file/")
    assert sent.getvalue()[:4] == b"PK\x03\x04"


def test_the_exports_name_has_the_time_of_the_reports_zone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("django.utils.timezone.now", lambda: datetime(2026, 11, 27, 19, 24, 26, tzinfo=UTC))
    assert zip_export(with_sample=False).name == "labels-2026-11-28-032426.zip"


@pytest.mark.usefixtures("every_process_is_a_command")
def test_the_page_of_the_export_shows_how_far_it_is() -> None:
    client, url = member("export_labels"), "/admin/labelling/export/"
    export_zip._save(ExportState(1, photos=9, done=4))
    page = client.get(url).content.decode()
    assert ('http-equiv="refresh"' in page, '<progress max="9" value="4"' in page) == (True, True)
    export_zip._save(ExportState(2**22 + 1, photos=9, done=4))
    page = client.get(url).content.decode()
    assert ('http-equiv="refresh"' in page, "interrupted; make it again" in page) == (False, True)


def test_an_export_that_is_replaced_while_the_page_is_made_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    old = export_zip._folder() / "labels-2026-01-01-000000.zip"
    monkeypatch.setattr(Path, "glob", lambda *_: iter([old]))  # it is gone by then
    assert member("export_labels").get("/admin/labelling/export/").status_code == 200
