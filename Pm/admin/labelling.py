"""The label set, and the pages of labelling, import and export."""

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext_lazy as _

from Pm.admin.lists import KeysetAdmin
from Pm.labelling import transfer_views, views
from Pm.models import Photo
from Pm.photos import detail, files
from Pm.photos.columns import photo_score, thumbnail
from Pm.photos.filters import (
    ConflictFilter,
    DisagreementFilter,
    LabelFilter,
    SampleFilter,
    SourceFilter,
    WaitingFilter,
)


@admin.register(Photo)
class PhotoAdmin(KeysetAdmin):
    """Every photo that people labelled or are to label, those among them that nobody posted."""

    list_display = ("name", "picture", "label", "told", "source", "sample", "conflict", "group", "created_at")
    list_display_links = ("name",)
    list_filter = (LabelFilter, DisagreementFilter, ConflictFilter, SampleFilter, SourceFilter, WaitingFilter)
    search_fields = ("content_sha256__exact",)
    search_help_text = _("A whole SHA-256")

    @admin.display(description=_("photo"))
    def picture(self, photo: Photo) -> str:
        """A thumbnail."""
        return thumbnail(photo.content_sha256)

    @admin.display(description=_("model"))
    def told(self, photo: Photo) -> str:
        """What the model answered."""
        return photo_score(photo.result, photo.score)

    def change_view(self, request: HttpRequest, object_id: str, *_: object, **__: object) -> HttpResponse:
        """The photo, large, with all that was said of it."""
        return detail.photo_page(request, self, object_id)


for route, view, name in (
    ("labelling/queue/", views.labelling, "labelling"),
    ("labelling/answer/", views.answer, "labelling_answer"),
    ("labelling/undo/", views.undo, "labelling_undo"),
    ("labelling/renew/", views.renew, "labelling_renew"),
    ("labelling/progress/", views.progress, "labelling_progress"),
    ("labelling/import/", transfer_views.photo_import, "photo_import"),
    ("labelling/import/piece/", transfer_views.photo_import_chunk, "photo_import_chunk"),
    ("labelling/import/state/", transfer_views.photo_import_state, "photo_import_state"),
    ("labelling/export/", transfer_views.label_export, "label_export"),
    ("photos/<int:prediction>/label/", detail.prediction_label, "Pm_prediction_label"),
    ("labelling/<int:photo>/label/", detail.photo_label, "Pm_photo_label"),
):
    admin.site.add_page(route, view, name)  # type: ignore[attr-defined] # Pm.admin_site
for route, file_view, name in (
    ("photos/<str:sha256>/", files.photo_image, "Pm_photo_image"),
    ("photos/<str:sha256>/thumbnail/", files.photo_thumbnail, "Pm_photo_thumbnail"),
):
    admin.site.add_page(route, file_view, name, cacheable=True)  # type: ignore[attr-defined]
admin.site.add_page("labelling/export/file/", transfer_views.label_export_file, "label_export_file")  # type: ignore[attr-defined]
