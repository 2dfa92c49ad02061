"""Cuts a data set into parts that no group crosses, so that held-out numbers are about sources never seen.

A group goes to a part by its place in the order of SHA-256 over seed and name, so that the same data give the same
parts on every machine, and adding photos moves only groups next to a boundary. Groups too large for that go first.
"""

import hashlib
import itertools
import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from training.errors import TrainingError
from training.photos.data import LABELS, Sample, Skipped, check_classes, data_sha256, scan
from training.photos.duplicates import Look, indices_by, joined, looks_of, near_pairs, original_path

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

PARTS = ("test", "train", "val")  # in the order in which they are cut
LARGE = 0.1  # of a class: a group above this is placed where it fits best, before the order of hashes is cut

Counts = npt.NDArray[np.float64]  # pictures by class: (2,), or by part and class: (P, 2)


@dataclass(frozen=True)
class Split:
    """Which part each sample is in; every sample's group is the name of all that belong together."""

    samples: tuple[Sample, ...]
    parts: tuple[str, ...]  # of each sample
    skipped: tuple[Skipped, ...]
    shares: dict[str, float]  # asked, of the whole, by part; a part of share 0 is left out
    sha256: str  # of the data that was split

    def members(self, part: str) -> list[Sample]:
        """The samples of one part."""
        return [sample for sample, name in zip(self.samples, self.parts, strict=True) if name == part]

    def counts(self) -> dict[str, dict[str, int]]:
        """Pictures by part and class."""
        found = {part: [sample.label for sample in self.members(part)] for part in self.shares}
        return {part: {name: found[part].count(label) for label, name in enumerate(LABELS)} for part in found}

    def reached(self) -> dict[str, float]:
        """The share of all pictures that each part holds."""
        return {part: self.parts.count(part) / len(self.parts) for part in self.shares}

    def related(self, part: str, other: str) -> int:
        """How many pictures of `part` belong to a group that `other` holds too."""
        groups = {sample.group for sample in self.members(other)}
        return sum(sample.group in groups for sample in self.members(part))


def split(folder: Path, shares: Mapping[str, float], seed: int, *, by_group: bool = True) -> Split:
    """Assign every readable picture of `folder` to a part; see shares_of.

    With by_group=False files go by name, as in the documents, and groups cross parts.
    Raises: TrainingError when the folder is no data set, or a part would miss a class.
    """
    found = scan(folder)
    looks, skipped = looks_of(folder, found)
    samples = [sample for sample in found if sample.path in looks]
    check_classes(folder, samples, skipped)
    names = group_names(samples, [looks[sample.path] for sample in samples])
    samples = [replace(sample, group=name) for sample, name in zip(samples, names, strict=True)]
    parts = parts_by_group(samples, shares, seed) if by_group else parts_by_name(samples, shares)
    made = Split(tuple(samples), tuple(parts), skipped, dict(shares), data_sha256(found))
    for part, counts in made.counts().items():
        for name, count in counts.items():
            if not count:
                raise TrainingError(
                    f"{part} would hold no {name} picture: there are too few for these shares; add pictures, or give "
                    "other shares."
                )
    return made


def shares_of(train: float, val: float, test: float) -> dict[str, float]:
    """Shares of the whole by part: `test` first, the rest divided train : val. A part without a share is left out.

    Raises: TrainingError for numbers that are no shares.
    """
    if not (math.isfinite(test) and 0 <= test < 1):
        raise TrainingError(f"--test {test} is not a share of the whole; give a number from 0 to less than 1.")
    for name, value in (("train", train), ("val", val)):
        if not (math.isfinite(value) and value > 0):
            raise TrainingError(f"--{name} {value} is not a share; give a number above 0.")
    rest = 1 - test
    shares = {"test": test, "train": rest * train / (train + val), "val": rest * val / (train + val)}
    return {part: share for part, share in shares.items() if share > 0}


def group_names(samples: Sequence[Sample], looks: Sequence[Look]) -> list[str]:
    """One name for all that belongs together: the manifest's group, the same bytes, near duplicates, made copies.

    A group of the manifest lends its name; otherwise it is the first SHA-256 of the members.
    """
    links = [(pair.first, pair.second) for pair in near_pairs(looks)]
    for keys in (
        [family(sample.group) for sample in samples],
        [sample.sha256 for sample in samples],
        [original_path(sample.path) for sample in samples],
    ):
        for indices in indices_by(keys).values():
            links += itertools.pairwise(indices)
    numbers = joined(len(samples), links)
    names: dict[int, str] = {}
    for number, sample in sorted(zip(numbers, samples, strict=True), key=lambda pair: name_order(pair[1])):
        names.setdefault(number, sample.group)
    return [names[number] for number in numbers]


def name_order(sample: Sample) -> tuple[bool, str]:
    """Names from the manifest before hashes."""
    return sample.group == sample.sha256, sample.group


def parts_by_name(samples: Sequence[Sample], shares: Mapping[str, float]) -> list[str]:
    """As documented: the files of each class in the order of their names, the first int(share x count) to a part."""
    parts = ["val"] * len(samples)
    train = shares["train"] / (shares["train"] + shares["val"])
    for label in range(len(LABELS)):
        indices = sorted((i for i, s in enumerate(samples) if s.label == label), key=lambda i: samples[i].path)
        test = int(len(indices) * shares.get("test", 0))
        for place, index in enumerate(indices[: test + int((len(indices) - test) * train)]):
            parts[index] = "test" if place < test else "train"
    return parts


def parts_by_group(samples: Sequence[Sample], shares: Mapping[str, float], seed: int) -> list[str]:
    """A part for each sample, the same for all of a group, each class near the shares.

    Raises: TrainingError when a part would miss a class.
    """
    sizes: dict[str, Counts] = defaultdict(lambda: np.zeros(len(LABELS)))
    for sample in samples:
        sizes[sample.group][sample.label] += 1
    names = sorted(sizes, key=lambda name: hashlib.sha256(f"{seed}:{name}".encode()).digest())
    total: Counts = np.sum([sizes[name] for name in names], axis=0)
    targets: Counts = np.outer(list(shares.values()), total)  # (P, 2)
    large = [name for name in names if (sizes[name] > LARGE * total).any()]
    places = place_large(large, sizes, targets)
    for present in ([True, True], [True, False], [False, True]):  # groups of both classes, then of one each
        alike = [name for name in names if name not in places and (sizes[name] > 0).tolist() == present]
        places |= cut(alike, sizes, targets - held(places, sizes, targets))
    fill_gaps(places, sizes, targets, list(shares))
    return [list(shares)[places[sample.group]] for sample in samples]


def held(places: Mapping[str, int], sizes: Mapping[str, Counts], targets: Counts) -> Counts:
    """Pictures placed so far: (P, 2)."""
    counts = np.zeros_like(targets)
    for name, place in places.items():
        counts[place] += sizes[name]
    return counts


def misfit(counts: Counts, targets: Counts) -> float:
    """How far counts are from targets, a gap in a small part weighing more, as in Pearson's chi squared."""
    return float(((counts - targets) ** 2 / targets).sum())


def place_large(names: Sequence[str], sizes: Mapping[str, Counts], targets: Counts) -> dict[str, int]:
    """Largest first (by powers of two, then by hash), each to the part that it leaves nearest to the targets."""
    places: dict[str, int] = {}
    for name in sorted(names, key=lambda name: -int(math.log2(sizes[name].sum()))):
        costs = [misfit(held(places | {name: p}, sizes, targets), targets) for p in range(len(targets))]
        places[name] = int(np.argmin(costs))
    return settled(places, sizes, targets)


def settled(places: dict[str, int], sizes: Mapping[str, Counts], targets: Counts) -> dict[str, int]:
    """Move or swap groups, the best change first, as long as that brings the parts nearer to the targets."""
    while places:
        moved = [places | {name: part} for name in places for part in range(len(targets))]
        swapped = [places | {a: places[b], b: places[a]} for a, b in itertools.combinations(places, 2)]
        best = min([*moved, *swapped], key=lambda change: misfit(held(change, sizes, targets), targets))
        gain = misfit(held(places, sizes, targets), targets) - misfit(held(best, sizes, targets), targets)
        if gain < 1e-9:  # rounding is no gain
            break
        places = best
    return places


def cut(names: Sequence[str], sizes: Mapping[str, Counts], room: Counts) -> dict[str, int]:
    """Lay groups that hold the same classes end to end, in the order given, and cut by the room that parts have."""
    if not names:
        return {}
    ends = np.cumsum([sizes[name].sum() for name in names])
    middles = ends - np.diff(ends, prepend=0) / 2
    wanted = np.maximum(room[:, sizes[names[0]] > 0].sum(1), 0)
    bounds = np.cumsum(wanted) / wanted.sum() * ends[-1]
    return dict(zip(names, np.searchsorted(bounds[:-1], middles, side="right").tolist(), strict=True))


def fill_gaps(places: dict[str, int], sizes: Mapping[str, Counts], targets: Counts, parts: Sequence[str]) -> None:
    """Where a part misses a class, move the group that costs least there; no other part may lose a class by it.

    Raises: TrainingError when there is no such group.
    """
    while (gaps := np.argwhere(held(places, sizes, targets) == 0)).size:
        part, label = gaps[0].tolist()
        missing = int((held(places, sizes, targets) == 0).sum())
        moves = [{**places, name: part} for name in sorted(places) if sizes[name][label]]
        better = [move for move in moves if (held(move, sizes, targets) == 0).sum() < missing]
        if not better:
            raise TrainingError(
                f"{parts[part]} would hold no {LABELS[label]} picture: all {LABELS[label]} pictures belong to "
                f"{len(moves)} group(s), and {len(parts)} parts are asked for; add pictures of other sources, or "
                "split by file, with relatives across parts, by --ignore-groups."
            )
        best = min(better, key=lambda move: misfit(held(move, sizes, targets), targets))
        places.update(best)


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
        costs = [((totals + added * (np.arange(count) == fold)[:, None]) ** 2).sum() for fold in range(count)]
        best = min(range(count), key=lambda fold: (costs[fold], totals[fold].sum()))  # classes do not see each other
        totals[best] += added
        folds[best] += members[name]
    return [sorted(fold) for fold in folds]
