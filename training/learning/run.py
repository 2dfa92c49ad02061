"""A training run's folder: the state that --resume continues from, the history, the curves and the best weights."""

import csv
import json
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from matplotlib.figure import Figure

from resnet_server.manifest import MANIFEST_NAME, file_sha256
from training.errors import TrainingError
from training.learning.recipes import Recipe
from training.pages.report import save_figure
from training.photos.folders import check_writable

STATE, WEIGHTS, HISTORY, CURVES = "last.pt", "model.pth", "history.csv", "curves.png"

Row = dict[str, float]


class Run:
    """The folder of one run; every file in it is replaced whole, so that a killed run leaves the last epoch's."""

    def __init__(self, folder: Path, facts: dict[str, Any]) -> None:
        """`facts`: what must be the same for a run to be continued; see run_facts."""
        self.folder, self.facts = folder, facts
        self.state, self.weights = folder / STATE, folder / WEIGHTS
        self.rows: list[Row] = []

    def start(self, *, resume: bool) -> dict[str, Any] | None:
        """The state to continue from; None for a run that begins.

        Raises: TrainingError when the folder holds a run and it is not to be resumed, or was another one.
        """
        check_folder(self.folder, resume=resume)
        self.folder.mkdir(parents=True, exist_ok=True)
        if self.state.exists():
            return self.read_state()
        if resume:
            print(f"{self.folder} holds no finished epoch: beginning")
        return None

    def read_state(self) -> dict[str, Any]:
        """What save wrote.

        Raises: TrainingError when it is damaged, or of another data set, recipe or seed.
        """
        try:
            state: dict[str, Any] = torch.load(self.state, map_location="cpu", weights_only=True)
            facts = json.loads(state["facts"])
        except Exception as exc:  # pickle, zip and torch errors of all kinds
            raise TrainingError(f"{self.state} is damaged; delete {self.folder} and train again.") from exc
        if differing := sorted(key for key in self.facts | facts if facts.get(key) != self.facts.get(key)):
            key = differing[0]
            raise TrainingError(
                f"{self.folder} was begun with {key} {words(facts.get(key))}, not {words(self.facts.get(key))}; "
                "resume with what it was begun with, or name another folder."
            )
        return state

    def save(self, learner: dict[str, Any], row: Row, best: dict[str, float]) -> None:
        """End an epoch: its row, the curves, and the state, last: a kill before it repeats the epoch."""
        self.rows.append(row)
        self.write_history()
        state = {"facts": json.dumps(self.facts), "learner": learner, "rows": self.rows, "best": best}
        replace_by(self.state, lambda path: torch.save(state, path))

    def save_weights(self, state_dict: dict[str, torch.Tensor]) -> None:
        """The best weights so far, as the documents save them: a state dictionary."""
        weights = {name: value.cpu().contiguous() for name, value in state_dict.items()}
        replace_by(self.weights, lambda path: torch.save(weights, path))

    def write_history(self) -> None:
        """history.csv, one row an epoch, and the curves."""
        replace_by(self.folder / HISTORY, lambda path: write_rows(path, self.rows))
        replace_by(self.folder / CURVES, lambda path: save_figure(draw_curves(self.rows), path))


def check_folder(folder: Path, *, resume: bool) -> None:
    """Raises: TrainingError when the folder holds a run and it is not to be resumed, anything else, or is read-only."""
    check_writable(folder)
    if not folder.is_dir():
        return
    if (folder / STATE).exists():
        if not resume:
            raise TrainingError(f"{folder} holds a run already; continue it by --resume, or name another folder.")
    elif not resume and any(folder.iterdir()):
        raise TrainingError(f"{folder} is not empty; name another folder, or continue a run by --resume.")
    elif resume and (folder / MANIFEST_NAME).exists():
        raise TrainingError(f"{folder} is an artifact, and holds no run to continue; name another folder.")


def words(fact: object) -> str:
    """A fact as a person says it: {"alpha": 1.0} is "alpha 1.0", of a list one after the other."""
    if isinstance(fact, list):
        return ", then ".join(map(words, fact))
    if isinstance(fact, dict):
        return " and ".join(f"{key} {value}" for key, value in fact.items())
    return "none" if fact is None else str(fact)


def run_facts(recipe: Recipe, seed: int, data_sha256: str, precision: torch.dtype) -> dict[str, Any]:
    """What decides a run's numbers, besides the kind of machine."""
    as_json = json.loads(json.dumps(asdict(recipe)))  # tuples as lists, as they come back
    begin = Path(recipe.weights)
    sha256 = file_sha256(begin) if begin.is_file() else ""
    return {
        **as_json,
        "seed": seed,
        "data": data_sha256,
        "precision": str(precision).removeprefix("torch."),
        "weights_sha256": sha256,
    }


def write_rows(path: Path, rows: list[Row]) -> None:
    """A CSV table."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows(rows)


def replace_by(path: Path, write: Callable[[Path], object]) -> None:
    """Write beside, then rename: a reader never meets half a file.

    Raises: TrainingError when it cannot be written, which is a RuntimeError of torch's when the disk is full.
    """
    partial = path.with_name(path.name + ".partial")
    try:
        write(partial)
        partial.replace(path)
    except (OSError, RuntimeError) as exc:
        partial.unlink(missing_ok=True)
        reason = exc.strerror if isinstance(exc, OSError) else "is the disk full?"
        raise TrainingError(f"{path} cannot be written ({reason}); free some space, then go on by --resume.") from exc


def draw_curves(rows: list[Row]) -> Figure:
    """Loss and accuracy by epoch, training and validation."""
    figure = Figure(figsize=(9, 3.6), layout="constrained")
    epochs = [row["epoch"] for row in rows]
    for axes, what in zip(figure.subplots(1, 2), ("loss", "accuracy"), strict=True):
        for part, colour in (("train", "tab:blue"), ("val", "tab:orange")):
            if f"{part}_{what}" in rows[0]:
                axes.plot(epochs, [row[f"{part}_{what}"] for row in rows], color=colour, marker=".", label=part)
        axes.set(xlabel="epoch", title=what)
        axes.grid(alpha=0.3)
        axes.legend(loc="center right")
    return figure
