"""What is judged: an artifact's answers about labelled pictures, or answers that were written before."""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from resnet_server.manifest import MANIFEST_NAME
from training.errors import TrainingError
from training.judging.answers import Answers, answers_of, read_answers
from training.judging.calibrate import fit_temperature, left_out_calibration_error
from training.judging.forward import load_model
from training.judging.metrics import Probabilities, calibration_error, is_grouped, probabilities
from training.photos.data import LABELS, DataSet, Skipped, load
from training.photos.parts import DOCUMENT
from training.photos.split import PARTS
from training.serving.engines import Model
from training.text import printable

SHOWN = 20  # skipped files by name
FOLD = re.compile(r"fold-\d+\.csv")


@dataclass(frozen=True)
class Judged:
    """A model's answers about labelled pictures, and where both come from."""

    name: str
    answers: Answers
    temperature: float
    ece: float
    measured_on: str
    seen: bool = False  # the model was trained or chosen on these very pictures
    skipped: tuple[Skipped, ...] = ()

    @property
    def probability(self) -> Probabilities:
        """Calibrated: float64 (N, 2)."""
        return probabilities(self.answers.logits, self.temperature)


def part_folder(data: Path, part: str | None) -> Path:
    """`data` itself, or the part of it that `split` made: the asked one, `test` where none is asked.

    Raises: TrainingError when the asked part is not there.
    """
    if not any((data / name).is_dir() for name in PARTS):
        if part:
            raise TrainingError(f"{data} has no part {part}; only folders that split wrote have parts.")
        return data
    chosen = data / (part or "test")
    if not chosen.is_dir():
        others = " or ".join(f"--part {name}" for name in reversed(PARTS) if (data / name).is_dir())
        raise TrainingError(f"{chosen} is missing; take {others}, or split the photos again.")
    return chosen


def say_skipped(skipped: Sequence[Skipped]) -> None:
    """Print the first SHOWN files that are not used, each with its reason, and how many there are beyond."""
    for item in skipped[:SHOWN]:
        print(f"skipped {printable(item.path)}: {item.reason}")
    if len(skipped) > SHOWN:
        print(f"skipped {len(skipped) - SHOWN} more")


def judge(source: Path, pictures: Path | None, engine: str, threads: int, cache: Path | None) -> Judged:
    """The answers of an artifact about a folder of pictures, or those that a table holds.

    Raises: TrainingError when `source` is neither.
    """
    if (source / MANIFEST_NAME).exists():
        if pictures is None:
            raise TrainingError(
                f"Give the pictures that {source} shall be judged on: evaluate {source} DATA --out REPORT."
            )
        return judge_artifact(load_model(source, engine, threads), pictures, cache)
    if source.is_file():
        return judge_tables(source, [source])
    tables = sorted(path for path in source.glob("fold-*.csv") if FOLD.fullmatch(path.name))
    if not tables:
        raise TrainingError(
            f"{source} is neither an artifact (a folder with {MANIFEST_NAME}) nor answers (fold-N.csv or answers.csv)."
        )
    return judge_tables(source, tables)


def judge_artifact(model: Model, pictures: Path, cache: Path | None) -> Judged:
    """Run an artifact on every picture of a data set."""
    manifest = model.manifest
    data = load(pictures, manifest.height, manifest.width, cache)
    answers = answers_of(data.samples, model.predict(data.images))
    ece = calibration_error(probabilities(answers.logits, manifest.temperature), answers.labels)
    made_of = manifest.document["made_by"]["data_sha256"]  # after train, the hashes of both parts in a row
    seen = any(sha256 in made_of for sha256 in (data.sha256, *whole_sha256(pictures)))
    name = described(pictures, data, answers) + (", which the model was trained or chosen on" if seen else "")
    return Judged(manifest.version, answers, manifest.temperature, ece, name, seen, data.skipped)


def whole_sha256(part: Path) -> list[str]:
    """The hash of the data set that `part` was cut from, where split.json beside it says so."""
    try:
        return [str(json.loads((part.parent / DOCUMENT).read_text(encoding="utf-8"))["data_sha256"])]
    except (OSError, ValueError, KeyError, TypeError):
        return []


def described(pictures: Path, data: DataSet, answers: Answers) -> str:
    """What the numbers were measured on, for the manifest: no path of this machine, but enough to find it again."""
    folder = pictures.resolve()
    name = f"the {folder.name} part of {folder.parent.name}" if folder.name in PARTS else folder.name
    groups = f" in {len(np.unique(answers.groups))} groups" if is_grouped(answers) else ""
    return f"{name} (data sha256 {data.sha256[:12]}): {len(answers)} pictures{groups}"


def judge_tables(source: Path, tables: Sequence[Path]) -> Judged:
    """Answers that were written before.

    Raises: TrainingError when they are not about pictures of both classes, each once, with finite logits.
    """
    answers = read_answers(*tables)
    if not np.isfinite(answers.logits).all():
        raise TrainingError(f"{source} holds logits that are no finite numbers; ask the model again.")
    if len(set(answers.paths)) < len(answers):
        raise TrainingError(f"{source} answers a picture twice; give the answers of one run.")
    for index, label in enumerate(LABELS):
        if index not in answers.labels:
            raise TrainingError(f"{source} holds no answer about an {label} picture.")
    temperature = fit_temperature(answers.logits, answers.labels)
    held_out = "cross-validation answers" if source.is_dir() else "answers"
    measured_on = f"{held_out} in {source.resolve().name}: {len(answers)} pictures"
    return Judged(source.name, answers, temperature, left_out_calibration_error(answers), measured_on)
