"""Records in the admin: a plain list that nobody can change."""

from django.contrib import admin
from django.http import HttpRequest

from Pm.models import Prediction


@admin.register(Prediction)
class PredictionAdmin(admin.ModelAdmin):  # type: ignore[type-arg] # not subscriptable at run time
    """Read only; found by whole ids, which the indexes serve."""

    list_display = ("created_at", "image_id", "result", "score", "model_version", "error_code", "client", "request_id")
    list_filter = ("result", "error_code", "model_version", "created_at")
    search_fields = ("image_id__exact", "content_sha256__exact", "request_id__exact")
    search_help_text = "A whole image_id, SHA-256 or request id"
    show_full_result_count = False

    def has_add_permission(self, request: HttpRequest) -> bool:  # noqa: ARG002 - Django's signature
        """Records are made by requests only."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Prediction | None = None) -> bool:  # noqa: ARG002
        """A record says what happened."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Prediction | None = None) -> bool:  # noqa: ARG002
        """Retention deletes, with the pictures: manage.py prune_predictions."""
        return False
