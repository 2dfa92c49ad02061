"""Records in the admin: a plain list that nobody can change."""

from django.contrib import admin
from django.core.paginator import Paginator
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.functional import cached_property

from Pm.models import Prediction

MAX_COUNTED = 10_000


class BriefPaginator(Paginator):  # type: ignore[type-arg] # not subscriptable at run time
    """Counts no further than anybody pages: COUNT(*) reads millions of records, anew for each page of the list."""

    object_list: QuerySet[Prediction]

    @cached_property
    def count(self) -> int:
        """The number of records, at most MAX_COUNTED; older ones are found by date or by id."""
        return self.object_list[:MAX_COUNTED].count()


@admin.register(Prediction)
class PredictionAdmin(admin.ModelAdmin):  # type: ignore[type-arg] # not subscriptable at run time
    """Read only; asks for nothing that reads the whole table: ids are found whole, which the indexes serve."""

    list_display = ("created_at", "image_id", "result", "score", "model_version", "error_code", "client", "request_id")
    list_filter = ("result", "created_at")
    sortable_by = ()
    show_facets = admin.ShowFacets.NEVER
    paginator = BriefPaginator
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
