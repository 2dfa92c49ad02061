"""The plots of the pages that judge models."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import NullFormatter, PercentFormatter, StrMethodFormatter
from sklearn.metrics import roc_curve

from training.judging.metrics import Labels, Probabilities, reliability
from training.photos.data import LABELS

OFFLINE, ONLINE, GREY = "#c46a1c", "#2b5f94", "#8a949d"
COLOURS = (OFFLINE, ONLINE)
SIZE = (5.2, 4.2)  # inches
NAMED = 4  # points that a trade-off names on the spot
HISTOGRAM_BINS = [float(edge) for edge in np.linspace(0, 1, 41)]


@dataclass(frozen=True)
class Point:
    """One model in the trade-off: accuracy 0..1, latency in milliseconds."""

    name: str
    accuracy: float
    latency_ms: float
    dominated: bool


def roc_figure(margin: npt.NDArray[np.float64], labels: Labels, area: float) -> Figure:
    """The share of online pictures found against the share of offline ones mistaken, over every threshold.

    `margin` (N,): online's logit minus offline's.
    """
    figure, axes = panel("Share of offline pictures called online", "Share of online pictures called online")
    mistaken, found, _ = roc_curve(labels, margin)
    axes.plot([0, 1], [0, 1], color=GREY, linestyle=":", label="guessing")
    axes.plot(mistaken, found, color=ONLINE, label=f"the model, area {area:.4f}")
    served = [float((margin[labels == label] > 0).mean()) for label in (0, 1)]
    axes.plot(*served, "o", color=ONLINE, label="as served, threshold 0.5")
    axes.xaxis.set_major_formatter(PercentFormatter(1))
    axes.yaxis.set_major_formatter(PercentFormatter(1))
    axes.legend(loc="lower right")
    return figure


def reliability_figure(probability: Probabilities, labels: Labels) -> Figure:
    """How often answers of a score are right: on the diagonal, scores mean what they say."""
    figure, axes = panel("Score of the answer", "Share of answers that are right")
    bins = reliability(probability, labels)
    axes.plot([0.5, 1], [0.5, 1], color=GREY, linestyle=":", label="honest")
    scores, accuracies = [each.score for each in bins], [each.accuracy for each in bins]
    axes.plot(scores, accuracies, "o-", color=ONLINE, label="the model")
    for each in bins:
        below = each.accuracy > 0.9
        axes.annotate(
            str(each.count), (each.score, each.accuracy), (0, -14 if below else 8), textcoords="offset points",
            ha="center", fontsize=8, color="#444",
        )  # fmt: skip
    axes.set_xlim(0.48, 1.02)
    axes.set_ylim(min(0.48, *accuracies) - 0.04, 1.04)
    axes.yaxis.set_major_formatter(PercentFormatter(1))
    axes.legend(loc="lower right")
    return figure


def histogram_figure(probability: Probabilities, labels: Labels) -> Figure:
    """The scores for "online" of both classes; what lies on the wrong side of 0.5 is wrong."""
    figure, axes = panel('Score for "online"', "Pictures (logarithmic)")
    for index, name in enumerate(LABELS):
        scores = probability[labels == index, 1]
        axes.hist(scores, HISTOGRAM_BINS, color=COLOURS[index], alpha=0.6, label=f"{name} pictures", log=True)
    axes.axvline(0.5, color=GREY, linestyle=":")
    axes.set_ylim(bottom=0.7)
    axes.yaxis.set_major_formatter(StrMethodFormatter("{x:,.0f}"))
    axes.yaxis.set_minor_formatter(NullFormatter())
    axes.legend(loc="upper center")
    return figure


def tradeoff_figure(points: Sequence[Point]) -> Figure:
    """Accuracy against latency; the models on the line are beaten by none in both.

    More than NAMED points are numbered, and named beside the plot: their names would lie upon each other.
    """
    figure, axes = panel("Median milliseconds a picture, without decoding", "Mean accuracy of both classes")
    best = sorted((each for each in points if not each.dominated), key=lambda each: each.latency_ms)
    axes.plot([each.latency_ms for each in best], [each.accuracy for each in best], color=ONLINE, linewidth=1)
    numbered = len(points) > NAMED
    ordered = sorted(points, key=lambda each: each.latency_ms) if numbered else points
    for number, each in enumerate(ordered, 1):
        colour = GREY if each.dominated else ONLINE
        axes.plot(each.latency_ms, each.accuracy, "o", color=colour, label=f"{number}. {each.name}")
        words = str(number) if numbered else each.name
        below = -12 if number % 2 or not numbered else 6
        axes.annotate(
            words, (each.latency_ms, each.accuracy), (4 if numbered else 8, below), textcoords="offset points"
        )
    if numbered:
        axes.legend(loc="upper left", bbox_to_anchor=(1.02, 1), frameon=False)
    axes.margins(x=0.25, y=0.2)
    axes.set_xlim(left=0)
    low, high = axes.get_ylim()  # room above the best, but no accuracy above 1
    axes.set_yticks([tick for tick in axes.get_yticks() if low <= tick <= min(high, 1)])
    axes.yaxis.set_major_formatter(PercentFormatter(1, decimals=2))
    return figure


def panel(across: str, up: str) -> tuple[Figure, Axes]:
    """An empty figure with named axes and a faint grid."""
    figure = Figure(figsize=SIZE)
    axes = figure.add_subplot()
    axes.set_xlabel(across)
    axes.set_ylabel(up)
    axes.grid(color="#e4e7ea")
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)
    return figure, axes
