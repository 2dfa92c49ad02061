"""Answers single pictures and whole folders as a server does, one at a time, so that memory does not grow."""

import csv
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

import numpy as np

from resnet_server.errors import ServiceError
from resnet_server.picture_files import files_below
from resnet_server.preprocess import PreprocessSpec, preprocess
from training.errors import TrainingError
from training.judging.metrics import probabilities
from training.photos.data import LABELS, MANIFEST, read_bytes
from training.serving.engines import Model

COLUMNS = ("path", "label", "score", "milliseconds", "error")
WARM_UP_RUNS = 3  # the first runs allocate


@dataclass(frozen=True)
class Prediction:
    """The answer: its label, its calibrated probability (0.5 to 1) and what it took, in milliseconds."""

    label: str
    score: float
    decode_ms: float  # reading, decoding and resizing
    inference_ms: float


def predict_file(model: Model, path: Path) -> Prediction:
    """Classify one picture with the server's own preprocessing and limits.

    Raises: TrainingError when the file cannot be read or is no picture that a server would take.
    """
    start = time.perf_counter()
    image = read_picture(path, model.manifest.preprocess_spec(PreprocessSpec.max_pixels))
    decoded = time.perf_counter()
    logits = model.logits(image[np.newaxis])
    done = time.perf_counter()
    shares = probabilities(logits, model.manifest.temperature)[0]
    best = int(logits[0].argmax())
    return Prediction(LABELS[best], float(shares[best]), (decoded - start) * 1000, (done - decoded) * 1000)


def read_picture(path: Path, spec: PreprocessSpec) -> np.ndarray:
    """A file as the network's input: uint8 (H, W, 3).

    Raises: TrainingError.
    """
    try:
        if not path.is_file():
            raise TrainingError(f"{path}: There is no such file; give a picture or a folder of pictures.")
        return preprocess(read_bytes(path), spec)[0]
    except OSError as exc:
        raise TrainingError(f"{path}: The file cannot be read: {exc.strerror or exc}.") from exc
    except ServiceError as exc:
        raise TrainingError(f"{path}: {exc.message}") from exc


def warm_up(model: Model) -> None:
    """Run the network a few times, so that the first picture's time is like the others'."""
    blank = np.zeros((1, model.manifest.height, model.manifest.width, 3), np.uint8)
    for _ in range(WARM_UP_RUNS):
        model.logits(blank)


def files_to_answer(folder: Path, table: Path | None = None) -> list[Path]:
    """Every file in and below a folder, but hidden ones, a data set's manifest.csv and `table`, which is written.

    Raises: TrainingError when there is none.
    """
    found = [folder / name for name in files_below(folder) if Path(name).name != MANIFEST]
    kept = [path for path in found if table is None or path.resolve() != table.resolve()]
    if not kept:
        raise TrainingError(f"{folder} holds no file; give a folder of pictures.")
    return kept


def check_table(table: Path) -> None:
    """Raises: TrainingError when writing there would destroy a picture or a data set's own table."""
    if table.name == MANIFEST or (table.is_file() and table.suffix.lower() != ".csv"):
        raise TrainingError(f"{table} is no table of answers to write over; name a new .csv file with --out.")


def predict_files(model: Model, folder: Path, files: list[Path], table: TextIO) -> Iterator[bool]:
    """Write one CSV row a file as soon as it is answered, its path relative to `folder`.

    Yields: for each file, whether it could be answered.
    """
    writer = csv.writer(table)
    writer.writerow(COLUMNS)
    for path in files:
        name = path.relative_to(folder).as_posix()
        try:
            answer = predict_file(model, path)
            spent = answer.decode_ms + answer.inference_ms
            writer.writerow((name, answer.label, f"{answer.score:.4f}", f"{spent:.1f}", ""))
            yield True
        except TrainingError as exc:
            writer.writerow((name, "", "", "", str(exc).removeprefix(f"{path}: ")))
            yield False
        table.flush()
