"""Judges a model on labelled pictures, alone or against another: a page, its numbers, plots and answers."""

import json
from pathlib import Path
from typing import Any

import numpy as np

from training.judging import figures
from training.judging.answers import write_answers
from training.judging.judged import Judged, judge, part_folder, say_skipped
from training.judging.metrics import area_under_curve, confusion, margins, probabilities, tally, worst
from training.judging.paired import aligned, pair, verdict
from training.judging.resample import Intervals, Weights, bootstrap, class_accuracies, rule_of_three
from training.pages.report import render, save_figure
from training.photos.data import LABELS
from training.photos.folders import outside
from training.photos.thumbnails import answer_sheet

WORST = 24
MAX_GROUP_ROWS = 60


def evaluate(
    model: Path,
    data: Path | None,
    out: Path,
    *,
    against: Path | None = None,
    part: str | None = None,
    engine: str = "auto",
    threads: int = 0,
    cache: Path | None = None,
) -> dict[str, Any]:
    """Write index.html, metrics.json, answers.csv and the plots to `out`. Returns: what metrics.json holds.

    `model` and `against` are artifact folders, or answers of cross-validate (the folder of fold-N.csv) or of evaluate
    (answers.csv); for answers, `data` only serves to show the pictures. The temperature is the artifact's own; for
    answers it is fitted, and the calibration error is then of pictures left out of the fit.
    Raises: TrainingError when something is missing or broken, or both are not about the same pictures.
    """
    pictures = None if data is None else part_folder(data, part)
    if data is not None:
        outside(out, data)
    judged = judge(model, pictures, engine, threads, cache)
    say_skipped(judged.skipped)
    metrics = measure(judged)
    other = judge(against, pictures, engine, threads, cache) if against else None
    page: dict[str, Any] = {"versus": None}
    if other and against:
        names = (judged.name, other.name) if judged.name != other.name else (str(model), str(against))
        page["versus"] = compare_answers(judged, other, names, pictures, out)
        metrics["against"] = page["versus"]["metrics"]
    write_answers(out / "answers.csv", judged.answers)
    text = json.dumps(metrics, indent=2, ensure_ascii=False) + "\n"
    (out / "metrics.json").write_text(text, encoding="utf-8")
    write_page(judged, metrics, page, pictures, out)
    return metrics


def measure(judged: Judged) -> dict[str, Any]:
    """Everything that metrics.json holds; `package` copies it into the manifest."""
    intervals = confidence(judged)
    once = np.ones(len(judged.answers), dtype=np.int64)
    return {
        "measured_on": judged.measured_on,
        "model": judged.name,
        "temperature": judged.temperature,
        **tally(judged.answers),
        "ece": round(judged.ece, 4),
        "auc": round(area_under_curve(margins(judged.answers.logits), judged.answers.labels, once), 4),
        "confusion": confusion(judged.answers).tolist(),
        "intervals_95": {
            "drawn": intervals.unit,
            "units": intervals.units,
            **{name: [round(edge, 4) for edge in edges] for name, edges in intervals.of.items()},
        },
        "skipped": len(judged.skipped),
    }


def confidence(judged: Judged) -> Intervals:
    """Bootstrap intervals of the accuracies and the area under the ROC curve."""
    labels, scores = judged.answers.labels, margins(judged.answers.logits)

    def statistics(weights: Weights) -> dict[str, float]:
        offline, online = class_accuracies(judged.answers, weights)
        area = area_under_curve(scores, labels, weights)
        return {"offline": offline, "online": online, "mean_accuracy": (offline + online) / 2, "auc": area}

    return bootstrap(judged.answers, statistics)


def flawless(metrics: dict[str, Any]) -> str:
    """What no mistake at all says and does not say, by the rule of three; else "".

    It counts what may be taken as independent: groups where groups were drawn.
    """
    if metrics["wrong"]:
        return ""
    drawn = metrics["intervals_95"]
    return (
        f"Nothing is wrong here, so drawing again finds nothing wrong either: with {drawn['units']} {drawn['drawn']}, "
        f"an error rate up to {rule_of_three(drawn['units']):.1f} % would not be surprising (rule of three)."
    )


def compare_answers(
    judged: Judged, other: Judged, names: tuple[str, str], pictures: Path | None, out: Path
) -> dict[str, Any]:
    """The two models on the same pictures: the numbers, the verdict and a sheet of the pictures they differ on."""
    theirs = aligned(judged.answers, other.answers)
    pairing = pair(judged.answers, theirs)
    sentence = verdict(pairing, *names)
    differ = np.flatnonzero(judged.answers.logits.argmax(1) != theirs.logits.argmax(1))
    said = probabilities(theirs.logits, other.temperature)
    gaps = np.abs(judged.probability - said)[differ, 0]
    order = differ[np.argsort(-gaps, kind="stable")]  # where they disagree most surely first
    rows = [answer_row(judged, int(i)) | {"other": answered(said[i])} for i in order]
    captions = [(row["path"], f"{place}. {row['answer']} | {row['other']}") for place, row in enumerate(rows, 1)]
    return {
        "names": names,
        "pairing": pairing,
        "verdict": sentence,
        "seen": other.seen,
        "metrics": {"model": names[1], "verdict": sentence, **pairing.as_metrics()},
        "rows": rows,
        "sheet": answer_sheet(pictures, captions[:WORST], out / "differences.png"),
    }


def answered(shares: np.ndarray) -> str:
    """An answer and its score, as a person reads it: "online 0.97"."""
    return f"{LABELS[int(shares.argmax())]} {shares.max():.2f}"


def answer_row(judged: Judged, index: int) -> dict[str, str]:
    """One picture's path, truth and answer."""
    answers = judged.answers
    return {
        "path": answers.paths[index],
        "truth": LABELS[int(answers.labels[index])],
        "answer": answered(judged.probability[index]),
    }


def write_page(judged: Judged, metrics: dict[str, Any], page: dict[str, Any], pictures: Path | None, out: Path) -> None:
    """The plots and index.html."""
    labels, probability = judged.answers.labels, judged.probability
    places = {path: index for index, path in enumerate(judged.answers.paths)}
    mistakes = [answer_row(judged, places[path]) for path, _ in worst(judged.answers, judged.temperature, WORST)]
    captions = [
        (row["path"], f"{place}. {Path(row['path']).name}: {row['answer']}") for place, row in enumerate(mistakes, 1)
    ]
    groups = metrics.get("groups", {}).items()
    shown = sorted(groups, key=lambda item: (-item[1]["wrong"], -item[1]["pictures"], item[0]))
    render(
        "evaluation.html",
        out,
        **page,
        judged=judged,
        metrics=metrics,
        flawless=flawless(metrics),
        labels=LABELS,
        roc=save_figure(figures.roc_figure(margins(judged.answers.logits), labels, metrics["auc"]), out / "roc.png"),
        reliability=save_figure(figures.reliability_figure(probability, labels), out / "reliability.png"),
        histogram=save_figure(figures.histogram_figure(probability, labels), out / "scores.png"),
        mistakes=mistakes,
        sheet=answer_sheet(pictures, captions, out / "mistakes.png"),
        groups=shown[:MAX_GROUP_ROWS],
        more_groups=len(shown) - len(shown[:MAX_GROUP_ROWS]),
    )
