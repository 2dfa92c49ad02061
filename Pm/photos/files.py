"""Sends kept pictures and their thumbnails to signed-in staff; nothing else gets at them."""

import logging
import re
from pathlib import Path

from django.conf import settings
from django.core.exceptions import PermissionDenied
from django.http import FileResponse, Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.utils.cache import get_conditional_response
from django.utils.http import quote_etag

from Pm.errors import ApiError
from Pm.images import find_image, image_save
from Pm.pictures import CONTENT_TYPES, read_picture

logger = logging.getLogger(__name__)
SEEN_BY = ("Pm.view_prediction", "Pm.view_photo", "Pm.label_photo")
INTERNAL = "/_photos/"  # conf/nginx/public.conf: below var/, by X-Accel-Redirect only
_SHA256 = re.compile(r"[0-9a-f]{64}")
# Only the browser of who may see them keeps them, and it asks each time whether this still is so: a 304, no bytes.
CACHED = "private, no-cache"


def photo_image(request: HttpRequest, sha256: str) -> HttpResponseBase:
    """The picture as it was posted or imported."""
    return _send(request, _allowed(request, sha256))


def photo_thumbnail(request: HttpRequest, sha256: str) -> HttpResponseBase:
    """A small WebP of it, made when it is asked for first; the picture itself where none can be made."""
    picture = _allowed(request, sha256)
    path = thumbnail_path(sha256)
    if not path.is_file():
        try:
            image_save(path=path, image=read_picture(picture.read_bytes()).thumbnail)
        except ApiError:  # above the limits, say, which may have been others
            path = picture
        except OSError:  # the disk is full
            logger.exception("thumbnail not kept")
            path = picture
    return _send(request, path)


def thumbnail_path(sha256: str) -> Path:
    """Where a thumbnail is kept."""
    root: Path = settings.GATEWAY.var_dir / "thumbnails"
    return root / sha256[:2] / f"{sha256}.webp"


def _allowed(request: HttpRequest, sha256: str) -> Path:
    if not any(request.user.has_perm(permission) for permission in SEEN_BY):
        raise PermissionDenied
    path = find_image(settings.GATEWAY.media_root, sha256) if _SHA256.fullmatch(sha256) else None
    if path is None:
        raise Http404
    return path


def _send(request: HttpRequest, path: Path) -> HttpResponseBase:
    """The file, or that the browser has it; behind nginx the tag is that of nginx, which compares it then."""
    kind = CONTENT_TYPES[path.suffix]
    response: HttpResponseBase
    if settings.GATEWAY.photos_served_by == "django":
        etag = quote_etag(path.stem)  # a hash names the same bytes for ever
        response = get_conditional_response(request, etag) or FileResponse(path.open("rb"), content_type=kind)
        response["ETag"] = etag
    else:
        inside = path.relative_to(settings.GATEWAY.var_dir).as_posix()  # two hex, the hash: nothing to escape
        response = HttpResponse(content_type=kind, headers={"X-Accel-Redirect": f"{INTERNAL}{inside}"})
    response["Cache-Control"] = CACHED
    response["X-Content-Type-Options"] = "nosniff"
    return response
