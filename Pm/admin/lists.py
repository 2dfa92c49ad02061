"""What the admin's lists have in common: nobody edits them, and none reads a whole table."""

from typing import Any

from django.contrib import admin
from django.core.paginator import Paginator
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.functional import cached_property
from unfold.admin import ModelAdmin

MAX_COUNTED = 10_000


class BriefPaginator(Paginator):  # type: ignore[type-arg] # not subscriptable at run time
    """Counts no further than anybody pages: COUNT(*) reads millions of records, anew for each page of the list."""

    object_list: QuerySet[Any]

    @cached_property
    def count(self) -> int:
        """The number of records, at most MAX_COUNTED; older ones are found by date or by id."""
        return self.object_list[:MAX_COUNTED].count()


class ReadOnlyAdmin(ModelAdmin):
    """A list that nobody adds to, changes or deletes from."""

    show_facets = admin.ShowFacets.NEVER

    def has_add_permission(self, request: HttpRequest) -> bool:  # noqa: ARG002 - Django's signature
        """Rows are made by requests and roll-outs only."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: object = None) -> bool:  # noqa: ARG002
        """A row says what happened."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: object = None) -> bool:  # noqa: ARG002
        """Retention deletes, with the pictures: manage.py prune_predictions."""
        return False
