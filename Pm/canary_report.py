"""A canary and the stable version side by side: requests, errors, milliseconds, share of online, scores, agreement."""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from django.db.models import Count, QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from Pm.artifacts import SLOTS
from Pm.models import Comparison, Prediction, RollOut
from Pm.versions.selectors import default_version

SAMPLE = 10_000  # the newest answers of each version, of which milliseconds and scores are taken
QUANTILES = (0.5, 0.95, 0.99)
SCORE_BINS = 5  # of equal width, from 0.5 to 1
LISTED = 10


class Answer(NamedTuple):
    """One answer in the sample."""

    ms: float
    score: float


@dataclass
class Side:
    """What one version did: requests of its share, those that it answered itself, and how."""

    requests: int = 0
    answered: int = 0
    online: int = 0
    by_other: int = 0
    errors: Counter[str] = field(default_factory=Counter)
    sample: list[Answer] = field(default_factory=list)

    def quantile_ms(self, quantile: float) -> float | None:
        """Milliseconds that so many of the sample's answers took at most; None without any."""
        values = sorted(answer.ms for answer in self.sample)
        return values[min(len(values) - 1, int(quantile * len(values)))] if values else None

    def score_shares(self) -> list[float]:
        """Which share of the sample's scores lies in each of SCORE_BINS."""
        bins = Counter(min(int((answer.score - 0.5) * 2 * SCORE_BINS), SCORE_BINS - 1) for answer in self.sample)
        return [bins[number] / max(1, len(self.sample)) for number in range(SCORE_BINS)]


@dataclass(frozen=True)
class CanaryReport:
    """Both sides; of a shadow also how often they agree, and on what they do not."""

    row: RollOut
    stable_version: str
    canary: Side
    stable: Side
    not_copied: int = 0
    agreed: int = 0
    disagreeing: tuple[Comparison, ...] = ()


def canary_report(row: RollOut) -> CanaryReport:
    """What the records say of a canary from the beginning of its share to its end, or until now."""
    stable_version = row.before[SLOTS[0]] or default_version()
    window = (row.share_from, row.share_until or timezone.now())
    seen = Prediction.objects.filter(created_at__range=window, canary__isnull=False) if row.share_from else None
    if seen is None:
        return CanaryReport(row, stable_version, Side(), Side())
    return _of_shadow(row, stable_version, seen) if row.shadow else _of_share(row, stable_version, seen)


def _of_share(row: RollOut, stable_version: str, seen: QuerySet[Prediction]) -> CanaryReport:
    canary, stable = Side(), Side()
    groups = seen.order_by().values_list("canary", "model_version", "result", "error_code").annotate(count=Count("pk"))
    for in_share, version, result, code, count in groups:
        side = canary if in_share else stable
        side.requests += count
        if code:
            side.errors[code] += count
        elif (version == str(row.version)) != in_share:
            side.by_other += count
        else:
            side.answered += count
            side.online += count * (result == Prediction.Result.ONLINE)
    answers = seen.exclude(result="")
    canary.sample = _sample(answers.filter(canary=True, model_version=str(row.version)))
    stable.sample = _sample(answers.filter(canary=False).exclude(model_version=str(row.version)))
    return CanaryReport(row, stable_version, canary, stable)


def _sample(answers: QuerySet[Prediction]) -> list[Answer]:
    rows = answers.values_list("stage_ms", "score")[:SAMPLE]
    return [Answer(stage_ms["model"], score) for stage_ms, score in rows if score is not None]


def _of_shadow(row: RollOut, stable_version: str, seen: QuerySet[Prediction]) -> CanaryReport:
    compared = row.comparisons
    shadow, stable = Side(), Side()
    groups = compared.order_by().values_list("stable_result", "shadow_result", "error_code").annotate(count=Count("pk"))
    agreed = 0
    for stable_result, shadow_result, code, count in groups:
        for side, result in ((stable, stable_result), (shadow, shadow_result)):
            side.requests += count
            side.answered += count * bool(result)
            side.online += count * (result == Prediction.Result.ONLINE)
        agreed += count * (stable_result == shadow_result)
        if code:
            shadow.errors[code] += count
    newest = compared.all()[:SAMPLE]
    stable.sample = [Answer(each.stable_ms, each.stable_score) for each in newest]
    shadow.sample = [Answer(each.shadow_ms, each.shadow_score) for each in newest if each.shadow_score is not None]
    copies = seen.filter(canary=True).exclude(result="").count()
    disagreeing = tuple(compared.filter(agrees=False)[:LISTED])
    return CanaryReport(row, stable_version, shadow, stable, max(0, copies - stable.requests), agreed, disagreeing)


def report_text(report: CanaryReport) -> str:
    """The report for a terminal, or for a page that keeps spaces."""
    row = report.row
    kind = "shadow" if row.shadow else "canary"
    since = f"{row.share_from:%Y-%m-%d %H:%M:%S}" if row.share_from else "-"
    until = f"{row.share_until:%Y-%m-%d %H:%M:%S} UTC" if row.share_until else "now"
    lines = [
        f"{row.version}: {row.told_state}; by {row.by}",
        f"{row.percent:g} % of the requests, {since} UTC to {until}",
        *filter(None, [row.error]),
        "",
        f"{'':<22}{_cut(str(row.version))} {_cut(report.stable_version)}",
        f"{'':<22}{kind:>24} {'stable':>24}",
        *(f"{name:<22}{one:>24} {other:>24}" for name, one, other in report_rows(report)),
        *_agreement(report),
    ]
    return "\n".join(lines)


def _cut(version: str) -> str:
    return f"{version[:24]:>24}"


def report_rows(report: CanaryReport) -> Iterator[tuple[str, str, str]]:
    """Name, the canary's number, the stable version's."""
    sides = (report.canary, report.stable)
    yield _("copies") if report.row.shadow else _("requests of its share"), *_each(str(side.requests) for side in sides)
    yield _("answered"), *_each(str(side.answered) for side in sides)
    if not report.row.shadow:
        yield _("answered by the other"), *_each(str(side.by_other) for side in sides)
    yield _("errors"), *_each(str(side.errors.total()) for side in sides)
    for code in sorted(report.canary.errors | report.stable.errors):
        yield f"  {code}", *_each(str(side.errors[code]) for side in sides)
    for quantile in QUANTILES:
        yield f"p{quantile * 100:.0f}, ms", *_each(_number(side.quantile_ms(quantile)) for side in sides)
    yield _("online"), *_each(percent_text(side.online, side.answered) for side in sides)
    for number in range(SCORE_BINS):
        low, high = (0.5 + (number + more) / (2 * SCORE_BINS) for more in (0, 1))
        shares = (side.score_shares()[number] if side.sample else None for side in sides)
        yield (
            _("score %(low).1f to %(high).1f") % {"low": low, "high": high},
            *_each("-" if s is None else f"{100 * s:.1f} %" for s in shares),
        )


def _each(texts: Iterable[str]) -> tuple[str, str]:
    one, other = texts
    return one, other


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.1f}"


def percent_text(part: int, whole: int) -> str:
    """A part of the whole; "-" where there is none."""
    return f"{100 * part / whole:.1f} %" if whole else "-"


def _agreement(report: CanaryReport) -> Iterator[str]:
    if not report.row.shadow:
        return
    answered = report.canary.answered
    yield ""
    yield f"They agree on {report.agreed} of {answered} ({percent_text(report.agreed, answered)})."
    yield f"{report.not_copied} more of the share were not copied: the shadow was busy, or they wait."
    for each in report.disagreeing:
        yield (
            f"  {each.image_id}: {each.stable_result} {each.stable_score:.4f}, shadow {each.shadow_result} "
            f"{each.shadow_score:.4f}  sha256 {each.content_sha256}"
        )
    if report.canary.answered - report.agreed > len(report.disagreeing):
        yield "  … the admin lists all under Comparisons."


def last_canary() -> RollOut | None:
    """The canary that runs, or the last one that did."""
    return RollOut.objects.exclude(percent=None).select_related("version").first()
