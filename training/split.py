"""Cuts a data set into parts that no group crosses, so that held-out numbers are about sources never seen."""

from collections import defaultdict
from collections.abc import Sequence

import numpy as np

from training.data import Sample
from training.errors import TrainingError

# Repositories of the same people or site: held out together, or the site's look would leak into training.
FAMILIES = {
    "ropensci-archive/roweb2": "ropensci",
    "ropensci/roweb3": "ropensci",
    "Openscapes/website": "openscapes",
    "Openscapes/approach-guide": "openscapes",
    "nmfs-openscapes/nmfs-openscapes.github.io": "openscapes",
    "coderefinery/coderefinery.org": "coderefinery",
    "coderefinery/manuals": "coderefinery",
}


def family(group: str) -> str:
    """The sources that must be held out together with `group`."""
    return FAMILIES.get(group, group)


def grouped_folds(samples: Sequence[Sample], count: int) -> list[list[int]]:
    """Index lists, one a fold; every family is in exactly one fold, the classes spread as evenly as that allows.

    Deterministic: families go largest first (then by name) to the fold that it leaves most even.
    Raises: TrainingError when there are fewer families than folds.
    """
    members: dict[str, list[int]] = defaultdict(list)
    for index, sample in enumerate(samples):
        members[family(sample.group)].append(index)
    if not 2 <= count <= len(members):
        raise TrainingError(f"{count} folds cannot be cut from {len(members)} group(s); use 2 to {len(members)}.")
    folds: list[list[int]] = [[] for _ in range(count)]
    totals = np.zeros((count, 2))
    for name in sorted(members, key=lambda name: (-len(members[name]), name)):
        added = np.bincount([samples[index].label for index in members[name]], minlength=2)
        cost = [((totals + added * (np.arange(count) == fold)[:, None]) ** 2).sum() for fold in range(count)]
        best = int(np.argmin(cost))
        totals[best] += added
        folds[best] += members[name]
    return [sorted(fold) for fold in folds]
