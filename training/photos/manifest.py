"""Reads manifest.csv, which says which pictures of a data set belong together."""

import csv
from collections.abc import Iterable, Sequence
from pathlib import Path

from training.errors import TrainingError

GROUP_COLUMNS = ("group", "repo")

Row = dict[str, str | None]  # None where the row is shorter than the header


def read_groups(path: Path, files: Sequence[str]) -> dict[str, str]:
    """`class/name` → group, of those of `files` that have one; empty when there is no manifest.

    A row names its file by cls and file, or by path (`class/name`), and its group by group or repo; other columns
    and empty groups are ignored. How many files are without a group is printed.
    Raises: TrainingError when a column is missing, the file is no CSV table in UTF-8, its rows name none of `files`,
    or one of them with two groups.
    """
    if not path.exists():
        return {}
    rows, columns = read_table(path)
    group = next((name for name in GROUP_COLUMNS if name in columns), None)
    if group is None:
        raise TrainingError(f"{path} has no column {' or '.join(GROUP_COLUMNS)}.")
    named_by_class = {"cls", "file"} <= set(columns)
    if not named_by_class and "path" not in columns:
        raise TrainingError(f"{path} has no column path, nor cls and file.")
    names = [f"{row['cls']}/{row['file']}" if named_by_class else row["path"] or "" for row in rows]
    known = set(files)
    if files and names and known.isdisjoint(names):
        raise TrainingError(
            f"{path} names none of the {len(files)} files beside it; path, or cls and file with a / between them, "
            f"must read like {files[0]}."
        )
    groups = one_group_each(path, ((name, row[group] or "") for name, row in zip(names, rows, strict=True)), known)
    if missing := len(files) - len(groups):
        print(f"{path} gives no group to {missing} of {len(files)} files: each counts as a source of its own")
    return groups


def read_table(path: Path) -> tuple[list[Row], list[str]]:
    """The rows and the columns of a CSV table; bytes that are no UTF-8 are kept, as in the names of files.

    Raises: TrainingError.
    """
    try:
        with path.open(encoding="utf-8-sig", errors="surrogateescape", newline="") as file:
            reader = csv.DictReader(file)
            rows, columns = list(reader), list(reader.fieldnames or ())
    except csv.Error as exc:
        raise not_utf8(path) from exc
    if not is_utf8("".join(columns)):
        raise not_utf8(path)
    return rows, columns


def one_group_each(path: Path, pairs: Iterable[tuple[str, str]], known: set[str]) -> dict[str, str]:
    """File → group of those of (file, group) that are `known`, without the empty groups.

    Raises: TrainingError when a file has two, or for bytes that are no UTF-8 but in the name of a known file.
    """
    groups: dict[str, str] = {}
    for name, group in pairs:
        if not is_utf8(group) or not (name in known or is_utf8(name)):
            raise not_utf8(path)
        if group and name in known and groups.setdefault(name, group) != group:
            raise TrainingError(f"{path} puts {name} into two groups, {groups[name]} and {group}; keep one row.")
    return groups


def is_utf8(text: str) -> bool:
    """Whether a text that was read with errors="surrogateescape" held nothing to escape."""
    return not any("\udc80" <= character <= "\udcff" for character in text)


def not_utf8(path: Path) -> TrainingError:
    """The one sentence about a file of another kind or encoding."""
    return TrainingError(f"{path} is not a CSV table in UTF-8.")
