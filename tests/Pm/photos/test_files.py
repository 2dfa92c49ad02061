"""Photos are for signed-in staff with the permission; nothing but a hash names one."""

import errno
import io

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client
from PIL import Image

from Pm.photos import files
from Pm.photos.files import thumbnail_path
from Pm.pictures import read_picture
from tests.conftest import Change
from tests.Pm.labelling.photos import keep, picture

pytestmark = pytest.mark.django_db
URL = "/admin/photos/"


@pytest.fixture
def staff(client: Client) -> Client:
    """Somebody who may label, and nothing else."""
    user = User.objects.create_user("ann", is_staff=True)
    user.user_permissions.add(Permission.objects.get(codename="label_photo"))
    client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    return client


def test_nginx_is_told_which_file_to_send(staff: Client, change: Change) -> None:
    change()
    sha256 = keep(picture(1))
    reply = staff.get(f"{URL}{sha256}/")
    assert (reply.status_code, reply.content) == (200, b"")
    assert reply["X-Accel-Redirect"] == f"/_photos/media/{sha256[:2]}/{sha256}.png"
    assert reply["Content-Type"] == "image/png"
    assert reply["Cache-Control"] == "private, no-cache"
    assert reply["X-Content-Type-Options"] == "nosniff"


def test_without_nginx_django_sends_the_bytes(staff: Client, change: Change) -> None:
    change(photos_served_by="django")
    sha256 = keep(picture(1, kind="JPEG"), "JPEG")
    reply = staff.get(f"{URL}{sha256}/")
    assert reply.getvalue() == picture(1, kind="JPEG")
    assert reply["Content-Type"] == "image/jpeg"
    assert "X-Accel-Redirect" not in reply


@pytest.mark.parametrize("page", ["", "thumbnail/"])
def test_a_browser_that_has_the_photo_is_told_so_as_long_as_its_user_may_see_it(
    staff: Client, change: Change, page: str
) -> None:
    change(photos_served_by="django")
    sha256 = keep(picture(1))
    has = {"If-None-Match": f'"{sha256}"'}
    first = staff.get(f"{URL}{sha256}/{page}")
    assert first.getvalue()
    assert (first["ETag"], first["Cache-Control"]) == (f'"{sha256}"', "private, no-cache")
    again = staff.get(f"{URL}{sha256}/{page}", headers=has)
    assert (again.status_code, again.content, again["ETag"]) == (304, b"", f'"{sha256}"')
    assert again["Cache-Control"] == "private, no-cache"
    changed = staff.get(f"{URL}{sha256}/{page}", headers={"If-None-Match": '"other"'})
    assert changed.getvalue()
    assert changed.status_code == 200
    User.objects.get(username="ann").user_permissions.clear()
    assert staff.get(f"{URL}{sha256}/{page}", headers=has).status_code == 403


@pytest.mark.parametrize(
    ("kind", "size"), [("JPEG", (3000, 2000)), ("PNG", (100, 900)), ("BMP", (640, 640)), ("AVIF", (700, 500))]
)
def test_thumbnails_are_small_and_made_once(
    staff: Client, change: Change, kind: str, size: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    change(photos_served_by="django")
    sha256 = keep(picture(1, size, kind), kind)
    reply = staff.get(f"{URL}{sha256}/thumbnail/")
    assert reply["Content-Type"] == "image/webp"
    with Image.open(io.BytesIO(reply.getvalue())) as image:
        assert max(image.size) == 320
        assert image.width / image.height == pytest.approx(size[0] / size[1], rel=0.02)
    made = thumbnail_path(sha256).stat().st_mtime_ns
    staff.get(f"{URL}{sha256}/thumbnail/").getvalue()
    assert thumbnail_path(sha256).stat().st_mtime_ns == made


def test_a_photo_is_upright_and_transparency_is_white(staff: Client, change: Change) -> None:
    change(photos_served_by="django")
    lying, clear = io.BytesIO(), io.BytesIO()
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.new("RGB", (40, 20)).save(lying, "JPEG", exif=exif)
    Image.new("RGBA", (20, 20), (0, 0, 0, 0)).save(clear, "PNG")
    for data, kind, size, colour in ((lying, "JPEG", (20, 40), (0, 0, 0)), (clear, "PNG", (20, 20), (255, 255, 255))):
        reply = staff.get(f"{URL}{keep(data.getvalue(), kind)}/thumbnail/")
        with Image.open(io.BytesIO(reply.getvalue())) as image:
            assert image.size == size
            assert image.convert("RGB").getpixel((5, 5)) == pytest.approx(colour, abs=2)


def test_sixteen_bit_grey_is_shown(staff: Client, change: Change) -> None:
    change(photos_served_by="django")
    out = io.BytesIO()
    Image.new("I;16", (20, 20), 0x8000).save(out, "PNG")
    reply = staff.get(f"{URL}{keep(out.getvalue())}/thumbnail/")
    with Image.open(io.BytesIO(reply.getvalue())) as image:
        assert image.convert("L").getpixel((5, 5)) == pytest.approx(128, abs=2)


@pytest.mark.parametrize("name", ["0" * 64, "../secret_key", "x" * 64, "ab", "0" * 63 + "Ä", "media"])
def test_nothing_else_is_found(staff: Client, change: Change, name: str) -> None:
    change()
    assert staff.get(f"{URL}{name}/").status_code == 404
    assert staff.get(f"{URL}{name}/thumbnail/").status_code == 404


def test_what_has_no_thumbnail_is_sent_itself(staff: Client, change: Change) -> None:
    change(max_image_pixels=10)  # it was more when the picture came
    sha256 = keep(picture(1))
    reply = staff.get(f"{URL}{sha256}/thumbnail/")
    assert reply["X-Accel-Redirect"] == f"/_photos/media/{sha256[:2]}/{sha256}.png"


def test_a_picture_whose_end_is_broken_is_whole_enough(change: Change) -> None:
    change()
    assert read_picture(picture(1)[:-6]).format == "PNG"  # Pillow looks there for EXIF


def test_nobody_is_sent_to_the_log_in_page_and_staff_without_the_permission_is_refused(
    client: Client, change: Change
) -> None:
    change()
    sha256 = keep(picture(1))
    assert client.get(f"{URL}{sha256}/").status_code == 302
    client.force_login(
        User.objects.create_user("eve", is_staff=True), backend="django.contrib.auth.backends.ModelBackend"
    )
    assert client.get(f"{URL}{sha256}/").status_code == 403
    assert client.get(f"{URL}{sha256}/thumbnail/").status_code == 403


def test_without_room_for_a_thumbnail_the_photo_is_sent(
    staff: Client, change: Change, monkeypatch: pytest.MonkeyPatch
) -> None:
    change(photos_served_by="django")
    sha256 = keep(picture(1))

    def full(**_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(files, "image_save", full)
    assert staff.get(f"{URL}{sha256}/thumbnail/").getvalue() == picture(1)
