"""The admin's list of a large table: paged by id, counted never."""

from functools import reduce
from operator import or_
from types import SimpleNamespace
from typing import Any

from django.contrib.admin.options import IncorrectLookupParameters
from django.contrib.admin.views.main import PAGE_VAR
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from unfold.views import ChangeList

from Pm.photos.keyset import BAD_LOOKUP, MAX_ID, WINDOW, Edge, Page, aware, id_bounds, keyset_page, walked

PAGER = "Pm/photos/pager.html"


class KeysetChangeList(ChangeList):
    """Django's, but for how rows are found: filters walk the primary key, a search goes by the indexes of its columns.

    The model's admin may name `bounded_by`: indexed columns of which a filter bounds the ids to walk; and may have
    `prepare_rows`, which is given the rows of the page.
    """

    page: Page

    def get_queryset(self, request: HttpRequest, exclude_parameters: list[str] | None = None) -> QuerySet[Any]:  # noqa: ARG002
        """The rows that all filters and the search leave.

        Raises: IncorrectLookupParameters for a query string that makes no sense: Django then shows the plain list.
        """
        self.filter_specs, self.has_filters, columns, _, self.has_active_filters = self.get_filters(request)
        queryset = self.apply_select_related(self.root_queryset)
        try:
            for spec in self.filter_specs:
                filtered = spec.queryset(request, queryset)
                queryset = queryset if filtered is None else filtered
            for lookup, values in columns.items():
                queryset = walked(queryset, **{lookup: values[-1]})
            self.bounds = self._bounds()
        except BAD_LOOKUP as exc:
            raise IncorrectLookupParameters(exc) from exc
        found = self._found(queryset)
        self.clear_all_filters_qs = self.get_query_string(
            new_params=dict.fromkeys(self.get_filters_params(), None), remove=[]
        )
        return found

    def _found(self, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """The rows of which a searched column is the whole text: Django's would divide an image_id at blanks."""
        text = self.query.strip()
        if not text:
            return queryset
        texts = {text, text.strip("\"'") or text}  # an empty one would be every row without a picture
        lookups = (Q(**{f"{name.removesuffix('__exact')}__in": texts}) for name in self.model_admin.search_fields)
        return queryset.filter(reduce(or_, lookups))

    def _bounds(self) -> tuple[int, int]:
        """The ids between which the rows of a bounded column lie; an empty range when there are none."""
        bounded_by = getattr(self.model_admin, "bounded_by", ())
        found = {
            lookup: aware(self.model, column, values[-1])
            for lookup, values in self.get_filters_params().items()
            if (column := lookup.partition("__")[0]) in bounded_by
        }
        return (id_bounds(self.model._default_manager.filter(**found)) or (1, 0)) if found else (1, MAX_ID)

    def get_results(self, request: HttpRequest) -> None:
        """One page of rows, and what Django's and unfold's templates ask of a list."""
        self.page = keyset_page(
            self.queryset,
            size=self.list_per_page,
            edge=Edge.read(request.GET.get(PAGE_VAR, "")),
            within=self.bounds,
            window=WINDOW,
            is_indexed=self._is_indexed,
        )
        if prepare := getattr(self.model_admin, "prepare_rows", None):
            prepare(self.page.rows)
        self.result_list = self.page.rows
        self.result_count = len(self.page.rows)
        self.full_result_count = self.result_count  # else unfold offers to show all
        self.show_full_result_count = self.show_admin_actions = self.can_show_all = self.multi_page = False
        self.paginator = SimpleNamespace(template_name=PAGER, per_page=self.list_per_page, count=self.result_count)

    @property
    def _is_indexed(self) -> bool:
        """Whether an index finds the rows, however large the table is."""
        return bool(self.query) or any(getattr(spec, "is_indexed", False) for spec in self.filter_specs)

    @property
    def newer_query(self) -> str:
        """The query string of the page of newer rows; empty when there is none."""
        return "" if self.page.newer is None else self.get_query_string({PAGE_VAR: f"newer-{self.page.newer}"})

    @property
    def older_query(self) -> str:
        """The query string of the page of older rows; empty when there is none."""
        return "" if self.page.older is None else self.get_query_string({PAGE_VAR: f"older-{self.page.older}"})
