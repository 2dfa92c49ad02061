"""Fits the temperature that makes scores honest, and measures the held-out answers."""

from typing import Any

import numpy as np

from training.judging.answers import Answers, Logits
from training.judging.metrics import Labels, calibration_error, mean_accuracy, probabilities, tally, worst

__all__ = ["MEASURED_ON", "fit_temperature", "left_out_calibration_error", "measure", "worst"]

TEMPERATURES = np.geomspace(0.1, 10, 461)  # steps of one per cent
MAX_FITS = 20
MEASURED_ON = (
    "cross-validation of the same recipe, in int8: every repository held out once, whole, by a model that saw none of "
    "its pictures; the weights here are of one more run on all pictures, which no held-out picture is left to judge"
)


def fit_temperature(logits: Logits, labels: Labels) -> float:
    """The temperature of least negative log-likelihood (Guo et al. 2017), to one per cent."""
    rows = np.arange(len(labels))
    losses = [-np.log(probabilities(logits, t)[rows, labels] + 1e-12).mean() for t in TEMPERATURES]
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
