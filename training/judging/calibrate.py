"""Fits the temperature that makes scores honest, and measures the held-out answers."""

from typing import Any

import numpy as np

from training.judging.answers import Answers, Logits
from training.judging.metrics import Labels, calibration_error, margins, mean_accuracy, probabilities, tally

TEMPERATURES = np.geomspace(0.1, 10, 461)  # steps of one per cent
MAX_FITS = 20
MEASURED_ON = (
    "cross-validation of the same recipe, in int8: every repository held out once, whole, by a model that saw none of "
    "its pictures; the weights here are of one more run on all pictures, which no held-out picture is left to judge"
)


def fit_temperature(logits: Logits, labels: Labels) -> float:
    """The temperature of least negative log-likelihood (Guo et al. 2017), to one per cent.

    The true label counts (n + 1) / (n + 2) instead of 1, the other one the rest, n being the class's pictures (Platt
    1999). Without that, answers that hold no mistake would have the lowest temperature of all, and scores of 1.
    """
    counts = np.bincount(labels, minlength=2)[labels]
    doubt = 1 / (counts + 2)
    towards = margins(logits) * (2 * labels - 1)  # how far the true label's logit is above the other's
    losses = [
        ((1 - doubt) * np.logaddexp(0, -towards / t) + doubt * np.logaddexp(0, towards / t)).mean()
        for t in TEMPERATURES
    ]
    return round(float(TEMPERATURES[int(np.argmin(losses))]), 4)


def left_out_calibration_error(answers: Answers) -> float:
    """The calibration error when each group's temperature is fitted on the other groups.

    More than MAX_FITS groups are left out several at a time; a single group is judged by its own temperature.
    """
    _, codes = np.unique(answers.groups, return_inverse=True)
    folds = codes % MAX_FITS
    probability = np.zeros(answers.logits.shape)
    for fold in np.unique(folds):
        inside = folds == fold
        others = inside if inside.all() else ~inside
        temperature = fit_temperature(answers.logits[others], answers.labels[others])
        probability[inside] = probabilities(answers.logits[inside], temperature)
    return calibration_error(probability, answers.labels)


def measure(answers: Answers, float_answers: Answers) -> dict[str, Any]:
    """The manifest's temperature and metrics of the int8 answers, and what int8 loses against the float32 ones."""
    before = mean_accuracy(float_answers.logits, float_answers.labels)
    drop = before - mean_accuracy(answers.logits, answers.labels)
    return {
        "measured_on": MEASURED_ON,
        "temperature": fit_temperature(answers.logits, answers.labels),
        **tally(answers),
        "ece": round(left_out_calibration_error(answers), 4),
        "mean_accuracy_float32": round(before, 4),
        "int8_drop": round(drop, 4),
    }
