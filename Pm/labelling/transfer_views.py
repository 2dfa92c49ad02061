"""The pages that bring photos in (a zip, in pieces) and labels out (a zip, once it is made)."""

import re
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.core.files.uploadedfile import UploadedFile
from django.http import FileResponse, Http404, HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from Pm import background
from Pm.errors import RollOutError, StorageUnavailableError
from Pm.labelling.export_zip import export_state, exported_zip
from Pm.labelling.sources import MAX_ZIP_BYTES
from Pm.labelling.uploads import import_start, upload_append, upload_begin, upload_write
from Pm.labelling.views import page, require
from Pm.models import PhotoImport

CHUNK_BYTES = 4 * 1024**2
SHOWN = 20
_NUMBER = re.compile(r"[0-9]{1,18}")


@require_http_methods(["GET", "POST"])
def photo_import(request: HttpRequest) -> HttpResponse:
    """The form and the last imports. A browser without scripts sends a zip at once, of at most the size of a body."""
    require(request, "Pm.import_photo")
    if request.method == "POST":
        file = request.FILES.get("zip")
        if isinstance(file, UploadedFile):
            try:
                _start(request, upload_write(file.chunks()), str(file.name))
            except StorageUnavailableError as exc:
                messages.error(request, exc.message)
        else:
            messages.error(request, _("Choose a zip first."))
        return redirect("admin:photo_import")
    return page(
        request,
        "Pm/labelling/import.html",
        _("Import photos"),
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
        upload = upload_begin()
    try:
        fits = upload_append(upload, int(offset), int(total), request.body)
    except StorageUnavailableError as exc:
        return JsonResponse({"message": exc.message}, status=exc.status)
    if not fits:
        return _refused(_("The upload is broken; send it again."))
    if int(offset) + len(request.body) < int(total):
        return JsonResponse({"upload": upload})
    record = _start(request, upload, request.GET.get("name", ""))
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
            background.start("export_labels", "--for-admin", *options)
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


def _start(request: HttpRequest, upload: str, name: str) -> PhotoImport:
    options: Any = request.GET if "group" in request.GET else request.POST
    return import_start(
        upload,
        name=name,
        by=str(request.user),
        group=options.get("group", ""),
        label_from_folders=options.get("label_from_folders", "") in ("on", "true"),
    )


def _refused(message: str) -> JsonResponse:
    return JsonResponse({"message": message}, status=400)
