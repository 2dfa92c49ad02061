"""A model's answers about labelled pictures, in memory and as a CSV file with one row a picture."""

import csv
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from training.errors import TrainingError
from training.photos.data import LABELS, Sample

Logits = npt.NDArray[np.float32]
COLUMNS = ("path", "group", "label", *LABELS)


@dataclass(frozen=True)
class Answers:
    """Row i of every field belongs to paths[i]."""

    paths: tuple[str, ...]
    groups: npt.NDArray[np.str_]  # (N,)
    labels: npt.NDArray[np.int64]  # (N,), the truth
    logits: Logits  # (N, 2)

    def __len__(self) -> int:
        return len(self.paths)


def answers_of(samples: tuple[Sample, ...], logits: Logits) -> Answers:
    """What a model answered about `samples`; logits (N, 2)."""
    return Answers(
        paths=tuple(sample.path for sample in samples),
        groups=np.array([sample.group for sample in samples], dtype=np.str_),
        labels=np.array([sample.label for sample in samples], dtype=np.int64),
        logits=logits,
    )


def write_answers(path: Path, answers: Answers) -> None:
    """One row a picture; logits to 5 decimals."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8", errors="surrogateescape", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(COLUMNS)
        for name, group, label, pair in zip(answers.paths, answers.groups, answers.labels, answers.logits, strict=True):
            writer.writerow((name, group, LABELS[label], *(f"{value:.5f}" for value in pair)))


def read_answers(*paths: Path) -> Answers:
    """The rows of all files, in the order of their paths.

    Raises: TrainingError when a file cannot be read or is not such a table.
    """
    rows: list[dict[str, str]] = []
    missing: set[str] = set()
    for path in paths:
        try:
            with path.open(encoding="utf-8", errors="surrogateescape", newline="") as file:
                table = csv.DictReader(file)
                rows += table
                missing |= set(COLUMNS) - set(table.fieldnames or ())
        except OSError as exc:
            raise TrainingError(f"{path} cannot be read: {exc.strerror}.") from exc
        except csv.Error as exc:
            raise TrainingError(f"{path} is no CSV table; give one that evaluate or cross-validate wrote.") from exc
    try:
        if missing:
            raise KeyError(*missing)
        rows.sort(key=lambda row: row["path"])
        return Answers(
            paths=tuple(row["path"] for row in rows),
            groups=np.array([row["group"] for row in rows], dtype=np.str_),
            labels=np.array([LABELS.index(row["label"]) for row in rows], dtype=np.int64),
            logits=np.array([[float(row[name]) for name in LABELS] for row in rows], dtype=np.float32).reshape(-1, 2),
        )
    except (KeyError, ValueError, TypeError) as exc:
        names = ", ".join(map(str, paths))
        raise TrainingError(f"{names} must have the columns {', '.join(COLUMNS)} of an answers table.") from exc
