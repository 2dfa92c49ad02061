"""The photos that were posted."""

from django.contrib import admin

from Pm.admin.lists import BriefPaginator, ReadOnlyAdmin
from Pm.models import Prediction


@admin.register(Prediction)
class PredictionAdmin(ReadOnlyAdmin):
    """Read only; asks for nothing that reads the whole table: ids are found whole, which the indexes serve."""

    list_display = ("created_at", "image_id", "result", "score", "model_version", "error_code", "client", "request_id")
    list_filter = ("result", "created_at")
    sortable_by = ()
    paginator = BriefPaginator
    search_fields = ("image_id__exact", "content_sha256__exact", "request_id__exact")
    search_help_text = "A whole image_id, SHA-256 or request id"
    show_full_result_count = False
