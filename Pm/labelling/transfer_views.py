"""The pages that bring photos in (a zip, in pieces) and labels out (a zip, once it is made)."""

import re
import time
import uuid
from pathlib import Path
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.core.files.uploadedfile import UploadedFile
from django.http import FileResponse, Http404, HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from Pm import roll_out_command
from Pm.errors import RollOutError
from Pm.labelling.export_zip import export_state, exported_zip
from Pm.labelling.sources import MAX_ZIP_BYTES
from Pm.labelling.views import page, require
from Pm.models import PhotoImport

CHUNK_BYTES = 4 * 1024**2
FORGOTTEN_S = 24 * 3600  # an upload that nobody went on with
SHOWN = 20
_UPLOAD = re.compile(r"[0-9a-f]{32}")
_NUMBER = re.compile(r"[0-9]{1,18}")


@require_http_methods(["GET", "POST"])
def photo_import(request: HttpRequest) -> HttpResponse:
    """The form and the last imports. A browser without scripts sends a zip at once, of at most the size of a body."""
    require(request, "Pm.import_photo")
    if request.method == "POST":
        file = request.FILES.get("zip")
        if isinstance(file, UploadedFile):
            path = upload_path(uuid.uuid4().hex)
            with path.open("wb") as target:
                for chunk in file.chunks():
                    target.write(chunk)
            _start(request, path, str(file.name))
        else:
            messages.error(request, _("Choose a zip first."))
        return redirect("admin:photo_import")
    return page(
        *(request, "Pm/labelling/import.html", _("Import photos")),
        imports=PhotoImport.objects.all()[:SHOWN],
        chunk_bytes=min(CHUNK_BYTES, settings.GATEWAY.max_body_bytes),
    )


@require_POST
def photo_import_chunk(request: HttpRequest) -> JsonResponse:
    """Add a piece to an upload, the first of which names none; with the last piece the import starts."""
    require(request, "Pm.import_photo")
    upload, offset, total = (request.GET.get(name, "") for name in ("upload", "offset", "total"))
    is_raw = request.content_type == "application/octet-stream"  # a form's body would have been read as one by now
    if not (is_raw and _NUMBER.fullmatch(offset) and _NUMBER.fullmatch(total)):
        return _refused(_("The upload is broken; send it again."))
    if int(total) > MAX_ZIP_BYTES:
        return _refused(_("The zip has more than %(limit)d bytes; divide it.") % {"limit": MAX_ZIP_BYTES})
    if offset == "0":
        _forget_old()
        upload = uuid.uuid4().hex
    if not _UPLOAD.fullmatch(upload) or not _append(upload_path(upload), int(offset), int(total), request.body):
        return _refused(_("The upload is broken; send it again."))
    if int(offset) + len(request.body) < int(total):
        return JsonResponse({"upload": upload})
    record = _start(request, upload_path(upload), request.GET.get("name", ""))
    return JsonResponse({"upload": upload, "import": record.pk})


@require_GET
def photo_import_state(request: HttpRequest) -> HttpResponse:
    """The table of imports alone, for the page to show the progress."""
    require(request, "Pm.import_photo")
    return page(request, "Pm/labelling/imports.html", "", imports=PhotoImport.objects.all()[:SHOWN])


@require_http_methods(["GET", "POST"])
def label_export(request: HttpRequest) -> HttpResponse:
    """How far the export is, and the last one; POST starts one in a process of its own."""
    require(request, "Pm.export_labels")
    if request.method == "POST":
        options = ["--with-sample"] if "with_sample" in request.POST else []
        try:
            roll_out_command.start("export_labels", "--for-admin", *options)
        except RollOutError as exc:
            messages.error(request, str(exc))
        return redirect("admin:label_export")
    path = exported_zip()
    size = path.stat().st_size if path and path.exists() else 0
    context = {"state": export_state(), "zip": path, "size": size}
    return page(request, "Pm/labelling/export.html", _("Export labels"), **context)


@require_GET
def label_export_file(request: HttpRequest) -> HttpResponseBase:
    """The last whole zip; nginx sends it."""
    require(request, "Pm.export_labels")
    path = exported_zip()
    if path is None:
        raise Http404
    if settings.GATEWAY.photos_served_by == "django":
        return FileResponse(path.open("rb"), as_attachment=True, filename=path.name)
    headers = {
        "X-Accel-Redirect": f"/_exports/{path.name}",
        "Content-Disposition": f'attachment; filename="{path.name}"',
    }
    return HttpResponse(content_type="application/zip", headers=headers)


def upload_path(upload: str) -> Path:
    """Where an upload grows."""
    folder: Path = settings.GATEWAY.var_dir / "uploads"
    folder.mkdir(parents=True, exist_ok=True)
    return folder / f"{upload}.zip"


def _append(path: Path, offset: int, total: int, piece: bytes) -> bool:
    """Whether the piece fits: it continues what is there and stays below the total."""
    size = path.stat().st_size if path.exists() else 0
    if offset != size or not piece or size + len(piece) > total:
        return False
    with path.open("ab") as file:
        file.write(piece)
    return True


def _forget_old() -> None:
    for path in upload_path("any").parent.glob("*.zip"):
        if path.stat().st_mtime < time.time() - FORGOTTEN_S:
            path.unlink(missing_ok=True)


def _start(request: HttpRequest, path: Path, name: str) -> PhotoImport:
    """Import in a process of its own, which outlives the request; the record tells how it goes."""
    options: Any = request.GET if "group" in request.GET else request.POST
    record = PhotoImport.objects.create(
        name=Path(name).name[:255] or path.name,
        by=str(request.user)[:150],
        group=options.get("group", "").strip()[:255],
        label_from_folders=options.get("label_from_folders", "") in ("on", "true"),
    )
    try:
        roll_out_command.start("import_photos", str(path), f"--record={record.pk}", "--remove")
    except RollOutError as exc:
        record.refresh_from_db()
        record.state, record.error = PhotoImport.State.FAILED, record.error or str(exc)
        record.finished_at = record.finished_at or timezone.now()
        record.save()
    return record


def _refused(message: str) -> JsonResponse:
    return JsonResponse({"message": message}, status=400)
