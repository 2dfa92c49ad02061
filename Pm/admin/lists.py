"""What the admin's lists have in common: nobody edits them, and none reads a whole table."""

from typing import Any

from django.contrib import admin
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.contrib.admin.options import IncorrectLookupParameters
from django.contrib.admin.views.main import ChangeList
from django.core.exceptions import BadRequest, ValidationError
from django.core.paginator import Paginator
from django.db import DataError
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.functional import cached_property
from unfold.admin import ModelAdmin

from Pm.photos.change_list import KeysetChangeList

MAX_COUNTED = 10_000
LOOKUPS = {"exact", "in", "gt", "gte", "lt", "lte", "isnull"}  # what filters ask; no regular expressions


class BriefPaginator(Paginator):  # type: ignore[type-arg] # not subscriptable at run time
    """Counts no further than anybody pages: COUNT(*) reads millions of records, anew for each page of the list."""

    object_list: QuerySet[Any]

    @cached_property
    def count(self) -> int:
        """The number of records, at most MAX_COUNTED; older ones are found by date or by id."""
        return self.object_list[:MAX_COUNTED].count()


class ListAdmin(ModelAdmin):
    """A list whose query string yields rows, or the plain list, but no error of ours."""

    def get_changelist_instance(self, request: HttpRequest) -> ChangeList:
        """Django's.

        Raises: IncorrectLookupParameters also for a lookup that no filter has, and for what the database takes for no
        value of its column, such as a time after the year 9999.
        """
        if any("__" in name and name.rpartition("__")[2] not in LOOKUPS for name in request.GET):
            raise IncorrectLookupParameters
        try:
            found: ChangeList = super().get_changelist_instance(request)
        except (OverflowError, ValueError, DataError) as exc:
            raise IncorrectLookupParameters(exc) from exc
        return found

    def response_action(self, request: HttpRequest, queryset: QuerySet[Any]) -> HttpResponse | None:
        """Django's.

        Raises: BadRequest for a selected row whose number is none.
        """
        try:
            for pk in request.POST.getlist(ACTION_CHECKBOX_NAME):
                self.opts.pk.to_python(pk)
        except ValidationError as exc:
            raise BadRequest(exc.messages[0]) from exc
        reply: HttpResponse | None = super().response_action(request, queryset)
        return reply


class ReadOnlyAdmin(ListAdmin):
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


class KeysetAdmin(ReadOnlyAdmin):
    """A list of photos of any length, with thumbnails: paged by id, counted never."""

    list_per_page = 50
    show_full_result_count = False
    sortable_by = ()
    actions = None

    class Media:
        """Thumbnails, and the links to newer and older."""

        css = {"all": ("Pm/photos/photos.css",)}  # noqa: RUF012 - Django's form

    def get_changelist(self, request: HttpRequest, **_kwargs: object) -> type[KeysetChangeList]:  # noqa: ARG002
        """Paged by id."""
        return KeysetChangeList
