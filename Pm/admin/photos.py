"""The photos that were posted."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext_lazy as _

from Pm.admin.lists import KeysetAdmin
from Pm.models import Photo, Prediction
from Pm.photos import detail
from Pm.photos.columns import column, thumbnail, told
from Pm.photos.filters import (
    ClientFilter,
    InstitutionFilter,
    ResultFilter,
    ReviewedFilter,
    TimeFilter,
    VersionFilter,
)

IMAGE_ID = column("image_id", _("image_id"))


@admin.register(Prediction)
class PredictionAdmin(KeysetAdmin):
    """Read only; paged by id, and nothing reads the whole table: ids are found whole, which the indexes serve."""

    list_display = (
        IMAGE_ID,
        "picture",
        "answer",
        "certainty",
        "people_say",
        column("model_version", _("model version")),
        column("institution", _("institution")),
        column("client", _("client")),
        column("created_at", _("time")),
    )
    list_display_links = (IMAGE_ID,)
    list_filter = (
        ResultFilter,
        ReviewedFilter,
        VersionFilter,
        ("created_at", TimeFilter),
        ClientFilter,
        InstitutionFilter,
    )
    list_filter_submit = True  # a client and an institution are typed
    bounded_by = ("created_at", "day", "model_version")  # have an index
    search_fields = ("image_id__exact", "content_sha256__exact", "request_id__exact")
    search_help_text = _("A whole image_id, SHA-256 or request id")

    def prepare_rows(self, rows: list[Any]) -> None:
        """Ask once for what people say of all rows of the page."""
        labels = dict(
            Photo.objects.filter(content_sha256__in={row.content_sha256 for row in rows if row.content_sha256})
            .exclude(label="")
            .values_list("content_sha256", "label")
        )
        for row in rows:
            row.label = labels.get(row.content_sha256, "")

    @admin.display(description=_("photo"))
    def picture(self, row: Prediction) -> str:
        """A thumbnail of what was kept."""
        return thumbnail(row.content_sha256 if row.result else "")

    @admin.display(description=_("result"))
    def answer(self, row: Prediction) -> str:
        """The answer, or why there is none."""
        return told(row.result) if row.result else row.error_code

    @admin.display(description=_("score"))
    def certainty(self, row: Prediction) -> str:
        """The probability of the answer."""
        return "–" if row.score is None else f"{row.score:.3f}"

    @admin.display(description=_("people say"))
    def people_say(self, row: Prediction) -> str:
        """The label, marked where it differs."""
        label: str = row.label  # type: ignore[attr-defined] # prepare_rows
        return f"≠ {told(label)}" if label and row.result and label != row.result else told(label)

    def change_view(self, request: HttpRequest, object_id: str, *_: object, **__: object) -> HttpResponse:
        """The photo, large, with all that was said of it."""
        return detail.prediction_page(request, self, object_id)
