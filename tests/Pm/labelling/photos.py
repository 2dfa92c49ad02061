"""Photos and people for the tests of labelling."""

import hashlib
import io
from pathlib import Path
from typing import Any

from django.conf import settings
from django.contrib.auth.models import Permission, User
from django.test import Client
from PIL import Image

from Pm.images import image_path, image_save
from Pm.models import Photo, Prediction

BACKEND = "django.contrib.auth.backends.ModelBackend"


def user(name: str) -> User:
    return User.objects.get_or_create(username=name, defaults={"is_staff": True})[0]


def sha_of(name: str) -> str:
    return hashlib.sha256(name.encode()).hexdigest()


def photo(name: str, **values: Any) -> Photo:
    """A photo of the queue; its picture is not kept."""
    score = values.pop("score", 0.6)
    defaults = {"source": "posted", "result": "online" if score else "", "model_version": "v1", "format": "PNG"}
    queue = "sample" if values.get("sample") else {"imported": "imported"}.get(values.get("source", ""), "uncertain")
    rank = 0 if values.get("sample") else score or 0
    return Photo.objects.create(
        name=name, content_sha256=sha_of(name), score=score, rank=rank, queue=queue, **{**defaults, **values}
    )


def picture(shade: int = 0, size: tuple[int, int] = (40, 30), kind: str = "PNG") -> bytes:
    """A picture of its own for each shade."""
    out = io.BytesIO()
    Image.new("RGB", size, (shade % 256, shade // 256, 128)).save(out, kind)
    return out.getvalue()


def keep(data: bytes, image_format: str = "PNG") -> str:
    """Keep a picture as a request would. Returns: its SHA-256."""
    sha256 = hashlib.sha256(data).hexdigest()
    image_save(path=kept_path(sha256, image_format), image=data)
    return sha256


def kept_path(sha256: str, image_format: str = "PNG") -> Path:
    return image_path(settings.GATEWAY.media_root, sha256, image_format)


def posted(name: str, data: bytes | None = None, **values: Any) -> Prediction:
    """A record of an answered request whose picture is kept."""
    sha256 = keep(data if data is not None else picture(sum(name.encode())))
    defaults = {"result": "online", "score": 0.99, "model_version": "v1", "client": "c", "request_id": "r"}
    return Prediction.objects.create(image_id=name, content_sha256=sha256, format="PNG", **{**defaults, **values})


def member(*permissions: str) -> Client:
    ann = user("ann")
    ann.user_permissions.set(Permission.objects.filter(codename__in=permissions))
    client = Client()
    client.force_login(ann, backend=BACKEND)
    return client
