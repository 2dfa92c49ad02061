"""Fits the temperature that makes scores honest, and measures the held-out answers."""

from typing import Any

import numpy as np

from training.crossval import HeldOut
from training.data import LABELS
from training.predict import Logits
from training.quantise import mean_accuracy

TEMPERATURES = np.geomspace(0.1, 10, 461)  # steps of one per cent
BINS = 10
MEASURED_ON = (
    "cross-validation of the same recipe, in int8: every repository held out once, whole, by a model that saw none of "
    "its pictures; the weights here are of one more run on all pictures, which no held-out picture is left to judge"
)


def probabilities(logits: Logits, temperature: float) -> np.ndarray:
    """Softmax of logits / temperature: float64 (N, 2)."""
    scaled = logits.astype(np.float64) / temperature
    powers = np.exp(scaled - scaled.max(1, keepdims=True))
    shares: np.ndarray = powers / powers.sum(1, keepdims=True)
    return shares


def fit_temperature(logits: Logits, labels: np.ndarray) -> float:
    """The temperature of least negative log-likelihood (Guo et al. 2017), to one per cent."""
    rows = np.arange(len(labels))
    losses = [-np.log(probabilities(logits, t)[rows, labels] + 1e-12).mean() for t in TEMPERATURES]
    return round(float(TEMPERATURES[int(np.argmin(losses))]), 4)


def calibration_error(probability: np.ndarray, labels: np.ndarray) -> float:
    """Expected calibration error over BINS equal bins of the answered label's probability, 0.5 to 1."""
    score, right = probability.max(1), probability.argmax(1) == labels
    bins = np.minimum(((score - 0.5) * 2 * BINS).astype(int), BINS - 1)
    gaps = [abs(right[bins == b].mean() - score[bins == b].mean()) * (bins == b).mean() for b in np.unique(bins)]
    return float(np.sum(gaps))


def left_out_calibration_error(answers: HeldOut) -> float:
    """The calibration error when each group's temperature is fitted on the other groups."""
    probability = np.zeros(answers.logits.shape)
    for group in np.unique(answers.groups):
        inside = answers.groups == group
        temperature = fit_temperature(answers.logits[~inside], answers.labels[~inside])
        probability[inside] = probabilities(answers.logits[inside], temperature)
    return calibration_error(probability, answers.labels)


def measure(answers: HeldOut) -> dict[str, Any]:
    """The manifest's temperature and metrics: accuracy per class, their mean, per group; calibration; the int8 drop."""
    right = answers.logits.argmax(1) == answers.labels
    per_class = {name: float(right[answers.labels == index].mean()) for index, name in enumerate(LABELS)}
    groups = {}
    for group in np.unique(answers.groups):
        inside = answers.groups == group
        groups[str(group)] = {"pictures": int(inside.sum()), "wrong": int((~right[inside]).sum())}
    before = mean_accuracy(answers.float_logits, answers.labels)
    mean = mean_accuracy(answers.logits, answers.labels)
    numbers = {
        "mean_accuracy": mean,
        "ece": left_out_calibration_error(answers),
        "mean_accuracy_float32": before,
        "int8_drop": before - mean,
    }
    return {
        "measured_on": MEASURED_ON,
        "temperature": fit_temperature(answers.logits, answers.labels),
        "accuracy": {name: round(value, 4) for name, value in per_class.items()},
        **{name: round(value, 4) for name, value in numbers.items()},
        "pictures": len(answers.labels),
        "wrong": int((~right).sum()),
        "groups": groups,
    }


def worst(answers: HeldOut, temperature: float, count: int) -> list[tuple[str, float]]:
    """The wrong answers given with most confidence: path and the true label's probability, lowest first."""
    truth = probabilities(answers.logits, temperature)[np.arange(len(answers.labels)), answers.labels]
    order = np.argsort(truth, kind="stable")[:count]
    return [(answers.paths[i], float(truth[i])) for i in order if truth[i] < 0.5]
