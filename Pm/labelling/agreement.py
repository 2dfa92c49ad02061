"""How far two labellers agree, beyond what chance would give."""

from collections import defaultdict
from dataclasses import dataclass

from django.db.models import Count, F

from Pm.models import Label, Prediction

ANSWERS = tuple(Prediction.Result.values)
Table = dict[tuple[str, str], int]  # (what the one said, what the other said) → photos


@dataclass(frozen=True)
class Agreement:
    """Of photos that both labelled; who could not tell is not counted."""

    first: str
    second: str
    photos: int
    agreed: int
    kappa: float | None  # nothing where chance alone would always agree

    @property
    def percent(self) -> float:
        """The share of photos of which both said the same."""
        return 100 * self.agreed / self.photos


def agreements() -> list[Agreement]:
    """One for each two people who labelled a photo in common, by name; imports from folders have no person."""
    first = {"undone_at": None, "answer__in": ANSWERS, "by__isnull": False}
    other = {f"photo__labels__{name}": value for name, value in first.items()}
    rows = (
        Label.objects.filter(**first)
        .filter(**other, photo__answers__gte=2, photo__labels__by__gt=F("by"))
        .order_by()
        .values_list("by__username", "photo__labels__by__username", "answer", "photo__labels__answer")
        .annotate(count=Count("pk"))
    )
    tables: dict[tuple[str, str], Table] = defaultdict(dict)
    for one, two, answer, other_answer, count in rows:
        tables[one, two][answer, other_answer] = count
    return [agreement(*names, table) for names, table in sorted(tables.items())]


def agreement(first: str, second: str, table: Table) -> Agreement:
    """What a table of both people's answers says."""
    agreed = sum(count for (one, two), count in table.items() if one == two)
    return Agreement(first, second, sum(table.values()), agreed, cohens_kappa(table))


def cohens_kappa(table: Table) -> float | None:
    """(observed − expected) / (1 − expected) agreement: Cohen, Educational and Psychological Measurement 20 (1960), 37.

    None for no photos, and where both only ever said the same one thing, so that chance explains everything.
    """
    if not (total := sum(table.values())):
        return None
    observed = sum(table.get((answer, answer), 0) for answer in ANSWERS) / total
    expected = sum(
        sum(count for (one, _), count in table.items() if one == answer)
        * sum(count for (_, two), count in table.items() if two == answer)
        for answer in ANSWERS
    ) / (total * total)
    return None if expected == 1 else (observed - expected) / (1 - expected)
