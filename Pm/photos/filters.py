"""What the list of photos can be narrowed by."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from django.contrib.admin import FieldListFilter, SimpleListFilter
from django.contrib.admin.views.main import PAGE_VAR
from django.db.models import Exists, F, Model, OuterRef, Q, QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import TextFilter

from Pm.models import ModelVersion, Photo, Prediction
from Pm.photos.keyset import walked
from Pm.report.day import midnight

REFUSED = "refused"
PRESETS = ((_("Today"), 0), (_("Last 7 days"), 6), (_("Last 30 days"), 29))  # days before today


class WalkedFilter(SimpleListFilter):
    """Choices of one column."""

    parameter_name: str

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any] | None:  # noqa: ARG002
        """The rows with the chosen value."""
        return walked(queryset, **{self.parameter_name: self.value()}) if self.value() is not None else None


class ResultFilter(WalkedFilter):
    """What was answered, or that nothing was."""

    title = _("result")
    parameter_name = "result__exact"

    def __init__(self, *arguments: Any) -> None:  # noqa: ANN401 - Django's
        """A form with this filter beside others begins at the first page."""
        super().__init__(*arguments)
        self.used_parameters[PAGE_VAR] = ""

    def lookups(self, *_args: object) -> list[tuple[str, Any]]:
        """The two classes, and refused."""
        return [("offline", _("offline")), ("online", _("online")), (REFUSED, _("refused"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any] | None:
        """A refused request has no result; there is an index of those."""
        if self.value() == REFUSED:
            return queryset.filter(result="")
        return super().queryset(request, queryset)


class VersionFilter(WalkedFilter):
    """Which model answered."""

    title = _("model version")
    parameter_name = "model_version__exact"

    def lookups(self, *_args: object) -> list[tuple[str, str]]:
        """The versions that were ever checked; a row each, so that the list of records is not asked."""
        return [(version, version) for version in ModelVersion.objects.values_list("version", flat=True)[:50]]


class ReviewedFilter(SimpleListFilter):
    """What people said of the photo's bytes, whenever and however often they were posted."""

    title = _("review")
    parameter_name = "reviewed"
    # Few labels are found by the index on hashes; where there are many, a walk meets them soon.
    few = 10_000

    @property
    def is_indexed(self) -> bool:
        """Whether the rows are found by an index of their own: no walk then."""
        labelled = Photo.objects.exclude(label="").order_by()
        return self.value() in ("yes", "disagree") and labelled[: self.few + 1].count() <= self.few

    def lookups(self, *_args: object) -> list[tuple[str, Any]]:
        """Whether, and how."""
        return [("yes", _("labelled")), ("no", _("not labelled")), ("disagree", _("people say otherwise"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Prediction]) -> QuerySet[Prediction] | None:  # noqa: ARG002
        """One look into the unique index of photos for each row that is walked over."""
        photos = Photo.objects.exclude(label="").order_by()
        same = photos.filter(content_sha256=OuterRef("content_sha256"))
        if self.is_indexed:
            queryset = queryset.filter(content_sha256__in=photos.values("content_sha256"))
        match self.value():
            case "yes":
                return queryset.filter(Exists(same))
            case "no":
                return queryset.filter(~Exists(same))
            case "disagree":
                return queryset.filter(Exists(same.exclude(label=OuterRef("result"))), ~Q(result=""))
        return None


class ClientFilter(TextFilter):
    """Whose request it was."""

    title = _("client")
    # Not client__exact: a form sends empty fields too, and in a link institution__exact= asks for those without one.
    parameter_name = "client"

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any] | None:  # noqa: ARG002
        """The rows of exactly this name or address."""
        return walked(queryset, **{self.parameter_name: self.value()}) if self.value() else None


class InstitutionFilter(ClientFilter):
    """Whose class it was."""

    title = _("institution")
    parameter_name = "institution"


class TimeFilter(FieldListFilter):
    """When it was posted: presets, and any bounds that the query string names (created_at__gte, created_at__lt)."""

    def __init__(
        self,
        field: Any,  # noqa: ANN401 - not subscriptable at run time
        request: HttpRequest,
        params: dict[str, Any],
        model: type[Model],
        model_admin: Any,  # noqa: ANN401 - Django's
        field_path: str,
    ) -> None:
        self.lookups = (f"{field_path}__gte", f"{field_path}__lt")
        super().__init__(field, request, params, model, model_admin, field_path)
        self.title = _("time")

    def expected_parameters(self) -> list[str | None]:
        """Both bounds."""
        return list(self.lookups)

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:  # noqa: ARG002
        """The rows between the bounds."""
        return walked(queryset, **self._chosen)

    @property
    def _chosen(self) -> dict[str, str]:
        used: dict[str, Any] = self.used_parameters
        return {name: values[-1] for name, values in used.items()}

    def choices(self, changelist: Any) -> Iterator[Any]:  # noqa: ANN401 - Django's
        """Any time, and the presets, in days of the report's time zone."""
        today = midnight()
        low, high = self.lookups
        yield self._choice(changelist, _("Any time"), {low: None, high: None})
        for title, days in PRESETS:
            yield self._choice(changelist, title, {low: (today - timedelta(days=days)).isoformat(), high: None})

    def _choice(self, changelist: Any, title: Any, bounds: dict[str, str | None]) -> dict[str, Any]:  # noqa: ANN401
        return {
            "selected": self._chosen == {name: value for name, value in bounds.items() if value},
            "query_string": changelist.get_query_string(bounds),
            "display": title,
        }


class BooleanFilter(WalkedFilter):
    """Yes or no."""

    def lookups(self, *_args: object) -> list[tuple[str, Any]]:
        """In words."""
        return [("1", _("yes")), ("0", _("no"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any] | None:  # noqa: ARG002
        """The rows where it is so, or not."""
        return walked(queryset, **{self.parameter_name: self.value() == "1"}) if self.value() in ("0", "1") else None


class ConflictFilter(BooleanFilter):
    """Whether labellers disagree."""

    title, parameter_name = _("conflict"), "conflict"


class SampleFilter(BooleanFilter):
    """Whether it was drawn at random."""

    title, parameter_name = _("random sample"), "sample"


class WaitingFilter(BooleanFilter):
    """Whether somebody is still to label it."""

    title, parameter_name = _("waiting"), "waiting"


class LabelFilter(WalkedFilter):
    """What people say."""

    title, parameter_name = _("label"), "label"

    def lookups(self, *_args: object) -> list[tuple[str, Any]]:
        """The two classes."""
        return [("offline", _("offline")), ("online", _("online"))]


class SourceFilter(WalkedFilter):
    """Where the photo came from."""

    title, parameter_name = _("source"), "source"

    def lookups(self, *_args: object) -> list[tuple[str, Any]]:
        """Posted or imported."""
        return list(Photo.Source.choices)


class DisagreementFilter(BooleanFilter):
    """Whether people say otherwise than the model."""

    title, parameter_name = _("people say otherwise"), "disagrees"

    def lookups(self, *_args: object) -> list[tuple[str, Any]]:
        """Only those where they do."""
        return [("1", _("yes"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Photo]) -> QuerySet[Photo] | None:  # noqa: ARG002
        """Photos with a label and an answer that differ."""
        if self.value() != "1":
            return None
        return walked(queryset, result__in=Prediction.Result.values).exclude(label="").exclude(label=F("result"))
