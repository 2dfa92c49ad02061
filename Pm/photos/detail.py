"""The page of one photo: large, what the model said and how sure it was, what people said, where else it was posted."""

from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from Pm.images import find_image
from Pm.labelling import services
from Pm.labelling.views import page, require
from Pm.models import Photo, Prediction
from Pm.photos.columns import photo_score, told

REQUESTS_SHOWN = 10


def prediction_page(request: HttpRequest, model_admin: Any, object_id: str) -> HttpResponse:  # noqa: ANN401
    """The page of a record."""
    row = _object(request, model_admin, object_id)
    url = reverse("admin:Pm_prediction_label", args=[row.pk]) if row.result else ""
    return _page(request, row.image_id, prediction=row, sha256=row.content_sha256, label_url=url)


def photo_page(request: HttpRequest, model_admin: Any, object_id: str) -> HttpResponse:  # noqa: ANN401
    """The page of a photo of the label set, posted or not."""
    photo = _object(request, model_admin, object_id)
    newest = Prediction.objects.filter(content_sha256=photo.content_sha256).exclude(result="").first()
    url = reverse("admin:Pm_photo_label", args=[photo.pk])
    return _page(request, photo.name, prediction=newest, sha256=photo.content_sha256, label_url=url)


def _object(request: HttpRequest, model_admin: Any, object_id: str) -> Any:  # noqa: ANN401
    if request.method != "GET":
        raise PermissionDenied
    row = model_admin.get_object(request, object_id)
    if not model_admin.has_view_permission(request, row):
        raise PermissionDenied
    if row is None:
        raise Http404
    return row


def _page(
    request: HttpRequest, title: str, *, prediction: Prediction | None, sha256: str, label_url: str
) -> HttpResponse:
    photo = Photo.objects.filter(content_sha256=sha256).first() if sha256 else None
    requests = Prediction.objects.filter(content_sha256=sha256) if sha256 else Prediction.objects.none()
    return page(
        request,
        "Pm/photos/detail.html",
        title,
        prediction=prediction,
        photo=photo,
        sha256=sha256,
        is_kept=bool(sha256) and find_image(settings.GATEWAY.media_root, sha256) is not None,
        shares=[(told(answer), share) for answer, share in shares(prediction or photo)],
        labels=photo.labels.select_related("by") if photo else (),
        requests=[(row, photo_score(row.result, row.score)) for row in requests[:REQUESTS_SHOWN]],
        label_url=label_url if request.user.has_perm("Pm.label_photo") else "",
    )


def shares(said: Prediction | Photo | None) -> list[tuple[str, float]]:
    """Class → probability, the answered one first: `score` is the answered class's, and there are two."""
    if said is None or said.score is None or not said.result:
        return []
    other = "online" if said.result == "offline" else "offline"
    return [(said.result, said.score), (other, 1 - said.score)]


@require_POST
def prediction_label(request: HttpRequest, prediction: int) -> HttpResponse:
    """Label the photo of a record from its page, where the model's answer is in sight."""
    by = require(request, "Pm.label_photo")
    row = get_object_or_404(Prediction.objects.exclude(result=""), pk=prediction)
    _label(request, by, row.content_sha256, lambda: services.photo_ensure(row))
    return redirect("admin:Pm_prediction_change", prediction)


@require_POST
def photo_label(request: HttpRequest, photo: int) -> HttpResponse:
    """The same from the page of a photo of the label set, which may never have been posted."""
    by = require(request, "Pm.label_photo")
    row = get_object_or_404(Photo, pk=photo)
    _label(request, by, row.content_sha256, lambda: row)
    return redirect("admin:Pm_photo_change", photo)


def _label(request: HttpRequest, by: User, sha256: str, ensure: Callable[[], Photo]) -> None:
    """Record the answer; `ensure` finds or makes the photo of the label set."""
    answer = request.POST.get("answer", "")
    if answer not in Prediction.Result.values:  # who cannot tell need not say so here: nobody asked
        raise Http404
    if find_image(settings.GATEWAY.media_root, sha256) is None:  # nobody else could look at it
        raise Http404
    with transaction.atomic():
        services.label_give(photo_id=ensure().pk, by=by, answer=answer, blind=False)
    messages.success(request, _("The label is saved."))
