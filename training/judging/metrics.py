"""Numbers about answers: accuracy, the mean of both classes, calibration, the area under the ROC curve."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from training.judging.answers import Answers, Logits
from training.photos.data import LABELS

BINS = 10
Probabilities = npt.NDArray[np.float64]
Labels = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Bin:
    """Answers of about the same score: their mean score, the share of them that is right, and how many they are."""

    score: float
    accuracy: float
    count: int


def probabilities(logits: Logits, temperature: float) -> Probabilities:
    """Softmax of logits / temperature: float64 (N, 2)."""
    scaled = logits.astype(np.float64) / temperature
    powers = np.exp(scaled - scaled.max(1, keepdims=True))
    shares: Probabilities = powers / powers.sum(1, keepdims=True)
    return shares


def margins(logits: Logits) -> npt.NDArray[np.float64]:
    """How far online's logit is above offline's: float64 (N,). They rank pictures where probabilities are all 1."""
    wide = logits.astype(np.float64)
    return wide[:, 1] - wide[:, 0]


def mean_accuracy(logits: Logits, labels: Labels) -> float:
    """The mean of both classes' accuracies."""
    right = logits.argmax(1) == labels
    return float(np.mean([right[labels == label].mean() for label in np.unique(labels)]))


def reliability(probability: Probabilities, labels: Labels) -> list[Bin]:
    """The answers in BINS equal bins of the answered label's probability, 0.5 to 1; empty bins are left out."""
    score, right = probability.max(1), probability.argmax(1) == labels
    bins = np.minimum(((score - 0.5) * 2 * BINS).astype(int), BINS - 1)
    inside = [bins == index for index in np.unique(bins)]
    return [Bin(float(score[each].mean()), float(right[each].mean()), int(each.sum())) for each in inside]


def calibration_error(probability: Probabilities, labels: Labels) -> float:
    """Expected calibration error over the bins of `reliability` (Naeini et al. 2015): 0 is honest."""
    gaps = [abs(each.accuracy - each.score) * each.count for each in reliability(probability, labels)]
    return float(np.sum(gaps)) / len(labels)


def area_under_curve(scores: npt.NDArray[np.float64], labels: Labels, weights: npt.NDArray[np.int64]) -> float:
    """The area under the ROC curve: the share of (offline, online) pairs of which the online one scores higher.

    A tie counts half (Mann and Whitney 1947); `weights` says how often each picture counts. NaN without a pair. The
    same as scikit-learn's roc_auc_score, which takes twenty times as long: bootstrap asks 2,000 times.
    """
    _, places = np.unique(scores, return_inverse=True)
    online = np.bincount(places, weights=weights * labels)
    offline = np.bincount(places, weights=weights * (1 - labels))
    below = np.cumsum(offline) - offline / 2
    pairs = online.sum() * offline.sum()
    return float((online * below).sum() / pairs) if pairs else float("nan")


def confusion(answers: Answers) -> npt.NDArray[np.int64]:
    """Pictures per truth (row) and answer (column): int64 (2, 2)."""
    flat = np.bincount(answers.labels * 2 + answers.logits.argmax(1), minlength=4)
    return flat.reshape(2, 2).astype(np.int64)


def is_grouped(answers: Answers) -> bool:
    """Whether any two pictures share a group; without a manifest.csv each picture is its own."""
    return len(np.unique(answers.groups)) < len(answers)


def tally(answers: Answers) -> dict[str, Any]:
    """How many are right: `accuracy` per class, their documented mean, `pictures`, `wrong`, and `groups` if any."""
    right = answers.logits.argmax(1) == answers.labels
    numbers: dict[str, Any] = {
        "accuracy": {name: round(float(right[answers.labels == index].mean()), 4) for index, name in enumerate(LABELS)},
        "mean_accuracy": round(mean_accuracy(answers.logits, answers.labels), 4),
        "pictures": len(answers),
        "wrong": int((~right).sum()),
    }
    if is_grouped(answers):
        names, codes = np.unique(answers.groups, return_inverse=True)
        pictures, wrong = np.bincount(codes), np.bincount(codes, weights=~right)
        numbers["groups"] = {
            str(name): {"pictures": int(count), "wrong": int(bad)}
            for name, count, bad in zip(names, pictures, wrong, strict=True)
        }
    return numbers


def worst(answers: Answers, temperature: float, count: int) -> list[tuple[str, float]]:
    """The wrong answers given with most confidence: path and the true label's probability, lowest first."""
    truth = probabilities(answers.logits, temperature)[np.arange(len(answers)), answers.labels]
    wrong = np.flatnonzero(answers.logits.argmax(1) != answers.labels)
    order = wrong[np.argsort(truth[wrong], kind="stable")][:count]
    return [(answers.paths[i], float(truth[i])) for i in order]
