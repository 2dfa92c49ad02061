"""Two models' answers about the same pictures: where they differ, and whether that can be chance."""

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from scipy.stats import binomtest

from training.errors import TrainingError
from training.judging.answers import Answers
from training.judging.metrics import mean_accuracy
from training.judging.resample import Interval, Weights, bootstrap, class_accuracies, rule_of_three

SIGNIFICANT = 0.05


@dataclass(frozen=True)
class Pairing:
    """How many pictures both, one or none of two models get right; `difference` is the first's mean accuracy minus."""

    both_right: int
    only_first_right: int
    only_second_right: int
    both_wrong: int
    p_value: float  # McNemar's exact test: of at least so uneven a split of the differing answers, if both were as good
    difference: float
    interval: Interval  # 95 %, of the difference; the same pictures are drawn for both
    unit: str
    units: int  # how many could be drawn

    @property
    def differing(self) -> int:
        """How many pictures only one of the two gets right."""
        return self.only_first_right + self.only_second_right

    @property
    def favours(self) -> int:
        """1: the first is better, -1: the second is, 0: not told apart.

        McNemar's test counts pictures, takes them as independent and weighs the larger class more. So the interval of
        the documented number, for which whole groups are drawn, must exclude 0 on the same side.
        """
        low, high = self.interval
        side = (low > 0) - (high < 0)
        agree = side == np.sign(self.only_first_right - self.only_second_right)
        return side if agree and self.p_value < SIGNIFICANT else 0

    def as_metrics(self) -> dict[str, Any]:
        """For metrics.json, rounded."""
        rounded = {"p_value": round(self.p_value, 6), "difference": round(self.difference, 4)}
        return asdict(self) | rounded | {"interval": [round(edge, 4) for edge in self.interval]}


def pair(first: Answers, second: Answers) -> Pairing:
    """Compare answers about the same pictures in the same order (see `aligned`).

    McNemar's test (1947) in its exact form: among the pictures that only one gets right, each is as likely to be the
    first's as the second's if both are equally good.
    """
    ours, theirs = (each.logits.argmax(1) == each.labels for each in (first, second))
    only_first, only_second = int((ours & ~theirs).sum()), int((theirs & ~ours).sum())
    differing = only_first + only_second

    def statistics(weights: Weights) -> dict[str, float]:
        means = [sum(class_accuracies(each, weights)) / 2 for each in (first, second)]
        return {"difference": means[0] - means[1]}

    intervals = bootstrap(first, statistics)
    return Pairing(
        both_right=int((ours & theirs).sum()),
        only_first_right=only_first,
        only_second_right=only_second,
        both_wrong=int((~ours & ~theirs).sum()),
        p_value=float(binomtest(only_first, differing).pvalue) if differing else 1.0,
        difference=mean_accuracy(first.logits, first.labels) - mean_accuracy(second.logits, second.labels),
        interval=intervals.of["difference"],
        unit=intervals.unit,
        units=intervals.units,
    )


@dataclass(frozen=True)
class Change:
    """What was done to a model, in mean accuracy on the same pictures: 0 to 1 before and after; gains are positive."""

    before: float
    after: float
    pairing: Pairing  # of the model after with the one before

    @classmethod
    def between(cls, before: Answers, after: Answers) -> "Change":
        """Of answers about the same pictures in the same order."""
        old, new = (mean_accuracy(each.logits, each.labels) for each in (before, after))
        return cls(old, new, pair(after, before))

    @property
    def drop(self) -> float:
        """Mean accuracy that was lost; negative where it rose."""
        return self.before - self.after

    def words(self) -> str:
        """For the terminal, in points."""
        found = self.pairing
        gain, low, high = (100 * each for each in (self.after - self.before, *found.interval))
        sure = f"95 %: {low:+.2f} to {high:+.2f}, {found.unit} drawn"
        if not found.differing:  # drawing again finds no difference either
            most = rule_of_three(found.units)
            sure = f"95 %: none of {found.units} {found.unit} differs; of others up to {most:.1f} % may"
        return f"mean accuracy {self.before:.4f} before, {self.after:.4f} after: {gain:+.2f} points ({sure})"


def aligned(first: Answers, second: Answers) -> Answers:
    """The second's answers in the first's order.

    Raises: TrainingError when they are about different pictures, or do not agree on the truth.
    """
    rows = {path: row for row, path in enumerate(second.paths)}
    if set(rows) != set(first.paths):
        odd = sorted(set(rows) ^ set(first.paths))
        raise TrainingError(
            f"The two models answered different pictures ({len(odd)} only by one, e.g. {odd[0]}); "
            "let both answer the same folder."
        )
    order = np.array([rows[path] for path in first.paths])
    if not np.array_equal(second.labels[order], first.labels):
        raise TrainingError("The two tables of answers disagree on the pictures' true labels; write them anew.")
    return Answers(first.paths, first.groups, first.labels, second.logits[order])


def verdict(pairing: Pairing, first: str, second: str) -> str:
    """What the comparison says, in one sentence."""
    if not pairing.differing:
        return f"{first} and {second} are right and wrong on the same pictures."
    more, counts = first, (pairing.only_first_right, pairing.only_second_right)
    if counts[1] > counts[0]:
        more = second
    share = f"of the {pairing.differing} pictures that only one of them gets right, {max(counts)} are {more}'s"
    if pairing.favours:
        return f"{more} is better than {second if more == first else first}: {share} (p = {pairing.p_value:.2g})."
    if pairing.p_value >= SIGNIFICANT:
        return (
            f"These pictures do not tell {first} and {second} apart: each difference between them may be chance "
            f"(p = {pairing.p_value:.2g})."
        )
    low, high = (100 * edge for edge in pairing.interval)
    return (
        f"These pictures do not tell {first} and {second} apart: {share} (p = {pairing.p_value:.2g}), "
        f"but mean accuracy does not say so ({low:+.2f} to {high:+.2f} points for {first})."
    )
