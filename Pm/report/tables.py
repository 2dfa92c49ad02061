"""The report as plain tables, for spreadsheets: the same numbers as on the page, and what they were asked for."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from django.conf import settings
from django.utils import timezone
from django.utils.translation import gettext as _

from Pm.report.accuracy import Accuracy, Score, VersionAccuracy
from Pm.report.counts import Row
from Pm.report.filters import Filters
from Pm.report.periods import PRESETS
from Pm.report.selectors import Report

Cell = str | int | float | None


@dataclass(frozen=True)
class Table:
    """One sheet."""

    slug: str  # its name in addresses
    title: str
    header: Sequence[Cell]
    rows: Iterable[Sequence[Cell]]


def tables(found: Report, measured: Accuracy) -> list[Table]:
    """Every table of the page, "about" the first."""
    month_or_day = _("Month") if found.by_month else _("Day")
    return [
        Table("about", _("About"), [_("What"), _("Value")], list(_about(found, measured))),
        Table("days", month_or_day, [month_or_day, *_counted(), _("Model version new")], map(_day, found.days)),
        Table("regions", _("Region"), [_("Region"), *_counted()], map(_counts, found.regions)),
        Table("institutions", _("Institution"), [_("Institution"), *_counted()], map(_counts, found.institutions)),
        Table("versions", _("Model version"), [_("Model version"), *_counted()], map(_counts, found.versions)),
        Table("accuracy", _("Accuracy"), _accuracy_header(), _accuracies(measured)),
    ]


def _counted() -> list[str]:
    return [_("Photos"), _("Offline"), _("Online"), _("Share of online"), _("95 % from"), _("95 % to")]


def _counts(row: Row) -> list[Cell]:
    low, high = row.tally.interval or (None, None)
    return [row.name, row.tally.total, row.tally.offline, row.tally.online, row.tally.share, low, high]


def _day(row: Row) -> list[Cell]:
    return [*_counts(row), ", ".join(row.new_versions)]


def _accuracy_header() -> list[str]:
    header = [_("Model version")]
    for name in (_("all"), _("labelled offline"), _("labelled online")):
        header += [f"{_('Photos')} ({name})", f"{_('Right')} ({name})", f"{_('Accuracy')} ({name})"]
        header += [f"{_('95 % from')} ({name})", f"{_('95 % to')} ({name})"]
    return header


def _accuracies(measured: Accuracy) -> list[list[Cell]]:
    """A list: while it is streamed, the language of the request is over."""
    return [_accuracy(version) for version in (measured.total, *measured.versions)]


def _accuracy(version: VersionAccuracy) -> list[Cell]:
    cells: list[Cell] = [version.version or _("All versions")]
    for score in (version.all, version.offline, version.online):
        cells += _score(score)
    return cells


def _score(score: Score) -> list[Cell]:
    low, high = score.interval or (None, None)
    return [score.photos, score.right, score.share, low, high]


def _about(found: Report, measured: Accuracy) -> Iterator[list[Cell]]:
    filters, tally = found.filters, found.total.tally
    zone = settings.GATEWAY.report_time_zone
    yield [_("Data as of"), timezone.localtime(found.as_of, zone).isoformat(timespec="seconds")]
    yield [_("Time zone of the days"), str(zone)]
    yield [_("Period"), period_name(filters)]
    yield [_("From"), str(filters.days.first or "")]
    yield [_("To"), str(filters.days.last or "")]
    yield [_("Region"), filters.region]
    yield [_("Institution"), filters.institution]
    yield [_("Model version"), filters.model_version]
    yield from ([name, value] for name, value in zip(_counted(), _counts(found.total)[1:], strict=True))
    yield [_("Refused"), tally.refused]
    yield [_("A photo's day"), _("The day on which it was taken, if the client said so, or else on which it came.")]
    yield [_("Random sample"), measured.sampled]
    yield [_("Waiting for a label"), measured.waiting]
    yield [_("Labels in conflict, left out"), measured.conflict]
    yield [_("Cannot be told, left out"), measured.skipped]
    yield [_("Labelled with the answer in sight, left out"), measured.told]


def period_name(filters: Filters) -> str:
    """The preset's name, or that the days are the user's own."""
    return str(PRESETS[filters.period][0]) if filters.period else _("From … to …")
