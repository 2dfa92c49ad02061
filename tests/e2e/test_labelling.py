"""Photos through the real nginx, and the whole loop: import, label, export, train, deploy, answer by the new model."""

import hashlib
import io
import json
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
import requests

from tests.e2e.rollout import deploy, served
from tests.e2e.stack import ROOT, SAMPLE, Stack, wait_for
from tests.training.noise import write_pictures

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(900)]
PASSWORD = "a long enough pass phrase"
MAKE_USER = """
from django.contrib.auth.models import User, Permission
user, _ = User.objects.get_or_create(username="{name}", defaults={{"is_staff": True, "is_superuser": {superuser}}})
user.set_password("{password}")
user.save()
"""
SMALL = ("--weights", "none", "--height", "48", "--width", "40", "--epochs", "2", "--batch", "4", "--threads", "1")


def sign_in(stack: Stack, name: str, *, superuser: bool) -> requests.Session:
    """A browser's session of a member of the staff."""
    code = MAKE_USER.format(name=name, superuser=superuser, password=PASSWORD)
    stack.run("python", "manage.py", "shell", "-c", code)
    session = requests.Session()
    page = session.get(f"{stack.url}/admin/login/", timeout=30)
    form = {"username": name, "password": PASSWORD, "csrfmiddlewaretoken": token_of(page)}
    assert session.post(f"{stack.url}/admin/login/?next=/admin/", form, timeout=30).url.endswith("/admin/")
    return session


def token_of(page: requests.Response) -> str:
    match = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', page.text)
    assert match, page.text[:500]
    return match[1]


def test_photos_are_for_signed_in_staff_with_the_permission(stack: Stack) -> None:
    assert stack.post().status_code == 200
    sha256 = hashlib.sha256(SAMPLE).hexdigest()
    inside = f"media/{sha256[:2]}/{sha256}.png"
    photo = f"{stack.url}/admin/photos/{sha256}/"
    admin, stranger = sign_in(stack, "admin", superuser=True), sign_in(stack, "stranger", superuser=False)
    reply = admin.get(photo, timeout=30)
    assert (reply.status_code, reply.content) == (200, SAMPLE)
    assert reply.headers["Content-Type"] == "image/png"
    assert reply.headers["X-Content-Type-Options"] == "nosniff"
    assert reply.headers["Content-Security-Policy"] == "default-src 'none'; sandbox"
    assert reply.headers["X-Frame-Options"] == "DENY"
    assert reply.headers["Cache-Control"] == "private, no-cache"
    has = {"If-None-Match": reply.headers["ETag"]}
    again = admin.get(photo, headers=has, timeout=30)
    assert (again.status_code, again.content, again.headers["Cache-Control"]) == (304, b"", "private, no-cache")
    assert requests.get(photo, headers=has, timeout=30, allow_redirects=False).status_code == 302
    assert "X-Accel-Redirect" not in reply.headers
    small = admin.get(f"{photo}thumbnail/", timeout=30)
    assert (small.status_code, small.headers["Content-Type"], small.content[8:12]) == (200, "image/webp", b"WEBP")
    assert requests.get(photo, timeout=30, allow_redirects=False).status_code == 302
    assert stranger.get(photo, timeout=30).status_code == 403
    for path in (f"/_photos/{inside}", "/_photos/media/../secret_key", f"/media/{inside}", f"/var/{inside}"):
        assert admin.get(f"{stack.url}{path}", timeout=30).status_code == 404


def upload(stack: Stack, session: requests.Session, zipped: bytes) -> None:
    """Send a zip as the page's script does, in two pieces, and wait for the import."""
    token = token_of(session.get(f"{stack.url}/admin/labelling/import/", timeout=30))
    headers = {"X-CSRFToken": token, "Content-Type": "application/octet-stream", "Referer": stack.url}
    query: dict[str, str | int] = {"upload": "", "total": len(zipped), "name": "photos.zip", "group": ""}
    half = len(zipped) // 2
    for offset, piece in ((0, zipped[:half]), (half, zipped[half:])):
        url = f"{stack.url}/admin/labelling/import/piece/"
        reply = session.post(url, piece, params={**query, "offset": offset}, headers=headers, timeout=60)
        assert reply.status_code == 200, reply.text
        query["upload"] = reply.json()["upload"]
    wait_for(lambda: stack.sql("select state from Pm_photoimport") == [("done",)])


def label_all(stack: Stack, session: requests.Session, classes: dict[str, str]) -> int:
    """Answer every photo of the queue by what its hash is known to be. Returns: how many."""
    page = session.get(f"{stack.url}/admin/labelling/queue/?queue=imported", timeout=30)
    token, count = token_of(page), 0
    state = json.loads(re.findall(r'id="labelling-state" type="application/json">(.*?)</script>', page.text)[0])
    while state["photos"]:
        photo = state["photos"][0]
        answer = classes[photo["url"].split("/")[-2]]
        form = {"photo": photo["id"], "answer": answer, "queue": "imported", "csrfmiddlewaretoken": token}
        headers = {"Accept": "application/json", "Referer": stack.url}
        reply = session.post(f"{stack.url}/admin/labelling/answer/", form, headers=headers, timeout=30)
        assert reply.status_code == 200, reply.text
        state, count = reply.json(), count + 1
    return count


def export(stack: Stack, session: requests.Session) -> bytes:
    """Have the zip of the labels made, and fetch it."""
    url = f"{stack.url}/admin/labelling/export/"
    form = {"csrfmiddlewaretoken": token_of(session.get(url, timeout=30))}
    assert session.post(url, form, headers={"Referer": stack.url}, timeout=60).status_code == 200
    wait_for(lambda: session.get(f"{url}file/", timeout=30).status_code == 200)
    reply = session.get(f"{url}file/", timeout=60)
    assert reply.headers["Content-Type"] == "application/zip"
    assert reply.headers["Content-Disposition"].startswith('attachment; filename="labels-')
    outside = reply.headers["Content-Disposition"].split('"')[1]
    assert session.get(f"{stack.url}/_exports/{outside}", timeout=30).status_code == 404
    return reply.content


def train(*arguments: object) -> str:
    command = [sys.executable, "-m", "training", *map(str, arguments)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_labels_become_the_model_that_answers(rollout_stack: Stack, tmp_path: Path) -> None:
    stack = rollout_stack
    photos = write_pictures(tmp_path / "photos", 12)
    files = sorted(photos.glob("o*/*"))
    classes = {hashlib.sha256(file.read_bytes()).hexdigest(): file.parent.name for file in files}
    zipped = io.BytesIO()
    with zipfile.ZipFile(zipped, "w") as archive:
        for number, file in enumerate(files):
            archive.write(file, f"school {number % 4}/{number}{file.suffix}")
    session = sign_in(stack, "ann", superuser=True)
    upload(stack, session, zipped.getvalue())
    assert label_all(stack, session, classes) >= len(classes) == 24
    with zipfile.ZipFile(io.BytesIO(export(stack, session))) as archive:
        archive.extractall(tmp_path / "export")
    cache = ("--cache", tmp_path / "cache")
    train("split", tmp_path / "export/labelled", tmp_path / "split")
    train("train", tmp_path / "split", tmp_path / "run", *SMALL, *cache)
    train("export", tmp_path / "run", tmp_path / "float", "--data", tmp_path / "split", *cache)
    train("package", tmp_path / "float", tmp_path / "artifact", "--name", "labelled")
    version = json.loads((tmp_path / "artifact/manifest.json").read_text())["version"]
    assert served(stack) != {version}
    deploy(stack, tmp_path / "artifact")
    assert served(stack) == {version}
    reply = stack.post(files[0].read_bytes())
    assert (reply.status_code, reply.headers["X-Model-Version"]) == (200, version)
