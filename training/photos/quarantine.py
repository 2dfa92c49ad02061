"""Moves bad files out of a data folder: nothing is deleted or overwritten, and a table says how to put it back."""

import csv
import shlex
import shutil
from pathlib import Path

from training.photos.analyze import UNLABELLED, Analysis
from training.photos.folders import new_folder

TABLE = "quarantine.csv"
COLUMNS = ("path", "moved_to", "reason")


def move_bad_files(analysis: Analysis, out: Path) -> int:
    """Move every file of bad_files to out/class/name and add a row for each to out/quarantine.csv.

    Returns: how many were moved.
    Raises: TrainingError when `out` lies inside the data folder or holds anything: undo_command would bring that too.
    """
    new_folder(out, analysis.folder)
    bad = bad_files(analysis)
    for path, reason in bad.items():
        target = out / analysis.label(path) / inside_class(analysis, path)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.move(analysis.folder / path, target)
        note(out, path, target, reason)  # at once: an interruption leaves no file without its row
    return len(bad)


def inside_class(analysis: Analysis, path: str) -> str:
    """The path below the class folder; unsorted photos have none."""
    return path.removeprefix(f"{analysis.label(path)}/")


def bad_files(analysis: Analysis) -> dict[str, str]:
    """Path → why it cannot be trained on: unreadable, in both classes, or one copy too many. Near duplicates stay."""
    bad = {item.path: item.reason for item in analysis.rejected}
    for paths in analysis.conflicts:
        for path in paths:
            others = ", ".join(other for other in paths if analysis.label(other) != analysis.label(path))
            bad.setdefault(path, f"The same picture is in the other class: {others}.")
    for paths in analysis.equal:
        for path in paths[1:]:
            bad.setdefault(path, f"A copy of {paths[0]}, byte for byte.")
    return bad


def note(out: Path, path: str, target: Path, reason: str) -> None:
    """Add a row to the table."""
    table = out / TABLE
    fresh = not table.exists()
    with table.open("a", encoding="utf-8", errors="surrogateescape", newline="") as file:
        writer = csv.writer(file)
        if fresh:
            writer.writerow(COLUMNS)
        writer.writerow((path, target.relative_to(out).as_posix(), reason))


def undo_command(analysis: Analysis, out: Path) -> str:
    """The shell command that puts the moved files back, overwriting nothing."""
    labels = sorted({analysis.label(path) for path in bad_files(analysis)})
    folders = [str(out / label) + ("/." if label == UNLABELLED else "") for label in labels]
    return shlex.join(["cp", "-rn", *folders, str(analysis.folder)])
