"""Looks at a folder of photos before anything is made of it: what is there, what is wrong, and how large it is."""

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from rich.progress import track

from resnet_server.errors import ServiceError
from resnet_server.manifest import file_sha256
from resnet_server.picture_files import files_below, is_clutter
from training.errors import TrainingError
from training.photos.data import (
    LABELS,
    MANIFEST,
    Sample,
    Skipped,
    data_sha256,
    read_bytes,
    scan,
    upright_size,
)
from training.photos.duplicates import Look, equal_files, look_of, near_pairs
from training.photos.folders import write_json
from training.photos.sizes import Interval, dense_interval, suggested_input

UNLABELLED = "unlabelled"
ANALYSIS = "analysis.json"


@dataclass(frozen=True)
class Picture:
    """A readable picture: width and height in pixels as a viewer shows it, its file's bytes, and how it looks."""

    sample: Sample
    width: int
    height: int
    bytes: int
    look: Look


@dataclass(frozen=True)
class Pair:
    """Two pictures that look the same: bits between their hashes (0 to 64), correlation of their thumbnails."""

    first: str
    second: str
    distance: int
    correlation: float


@dataclass(frozen=True)
class Analysis:
    """What a folder holds and what is wrong with it; paths are relative to it."""

    folder: Path
    labels: tuple[str, ...]  # offline and online, or unlabelled
    pictures: tuple[Picture, ...]
    rejected: tuple[Skipped, ...]
    equal: tuple[tuple[str, ...], ...]  # same bytes
    near: tuple[Pair, ...]  # same look, other bytes
    sha256: str

    def of(self, label: str) -> list[Picture]:
        """The readable pictures of one class."""
        return [picture for picture in self.pictures if self.label(picture.sample.path) == label]

    def label(self, path: str) -> str:
        """The class that a path is filed under."""
        return path.split("/")[0] if self.labels == LABELS else UNLABELLED

    def in_both_classes(self, paths: Iterable[str]) -> bool:
        """Whether not all of the paths are filed under one class."""
        return len({self.label(path) for path in paths}) > 1

    @property
    def equal_conflicts(self) -> list[tuple[str, ...]]:
        """Files with the same bytes that lie in both classes."""
        return [paths for paths in self.equal if self.in_both_classes(paths)]

    @property
    def equal_copies(self) -> list[tuple[str, ...]]:
        """Files with the same bytes in one class."""
        return [paths for paths in self.equal if not self.in_both_classes(paths)]

    @property
    def near_conflicts(self) -> list[Pair]:
        """Pictures that look the same and lie in different classes."""
        return [pair for pair in self.near if self.label(pair.first) != self.label(pair.second)]

    @property
    def conflicts(self) -> list[tuple[str, ...]]:
        """Paths of equal or near-equal pictures, whose folders are of different classes."""
        return [*self.equal_conflicts, *((pair.first, pair.second) for pair in self.near_conflicts)]

    @property
    def dense(self) -> dict[str, Interval]:
        """Where the widths and heights of all pictures are dense."""
        return {side: dense_interval([getattr(p, side) for p in self.pictures]) for side in ("width", "height")}

    def document(self) -> dict[str, object]:
        """All of it as JSON values."""
        dense = self.dense
        height, width = suggested_input(dense)
        return {
            "data": str(self.folder),
            "data_sha256": self.sha256,
            "pictures": {label: len(self.of(label)) for label in self.labels},
            "rejected": [asdict(item) for item in self.rejected],
            "equal": self.equal,
            "near": [asdict(pair) for pair in self.near],
            "same_picture_in_both_classes": {
                "equal": self.equal_conflicts,
                "near": [asdict(pair) for pair in self.near_conflicts],
            },
            "dense": {side: asdict(interval) for side, interval in dense.items()},
            "suggested_input": {"height": height, "width": width},
        }


def analyze(folder: Path) -> Analysis:
    """Decode every file once, as serving would, and compare all that can be read. Changes nothing.

    Raises: TrainingError when the folder is neither one sub-folder a class nor photos not yet sorted, when a class
    folder is empty, or when nothing can be read.
    """
    labelled = not is_unsorted(folder)
    samples = scan(folder) if labelled else unsorted(folder)
    labels = LABELS if labelled else (UNLABELLED,)
    if labelled:
        for index, label in enumerate(LABELS):
            if all(sample.label != index for sample in samples):
                raise TrainingError(f"{folder / label} is empty; put the {label} photos there.")
    pictures, rejected = examine(folder, samples)
    if not pictures:
        raise TrainingError(f"{folder} holds no readable picture; the first file: {rejected[0].reason}")
    readable = [picture.sample for picture in pictures]
    equal = equal_files(readable)
    return Analysis(
        folder=folder,
        labels=labels,
        pictures=tuple(pictures),
        rejected=tuple(rejected),
        equal=tuple(tuple(readable[index].path for index in indices) for indices in equal),
        near=tuple(lookalikes(pictures)),
        sha256=data_sha256(samples),
    )


def is_unsorted(folder: Path) -> bool:
    """Whether a folder holds photos and no sub-folders: not sorted into classes yet."""
    return folder.is_dir() and not any(path.is_dir() and not is_clutter(path) for path in folder.iterdir())


def unsorted(folder: Path) -> tuple[Sample, ...]:
    """The files of a folder that has no classes, each its own group, with label -1.

    Raises: TrainingError when there are none.
    """
    files = [path for path in files_below(folder) if path != MANIFEST]
    if not files:
        raise TrainingError(f"{folder} is empty; give a folder of photos, or one with {' and '.join(LABELS)} in it.")
    digests = [file_sha256(folder / path) for path in track(files, description="reading the files")]
    return tuple(Sample(path, -1, digest, digest) for path, digest in zip(files, digests, strict=True))


def examine(folder: Path, samples: Sequence[Sample]) -> tuple[list[Picture], list[Skipped]]:
    """Decode each file. Returns: the readable ones, and the others with the serving code's reason."""
    pictures, rejected = [], []
    for sample in track(samples, description="decoding"):
        try:
            data = read_bytes(folder / sample.path)
            look = look_of(data)
        except ServiceError as exc:
            rejected.append(Skipped(sample.path, exc.message))
            continue
        width, height = upright_size(data)
        pictures.append(Picture(sample, width, height, len(data), look))
    return pictures, rejected


def lookalikes(pictures: Sequence[Picture]) -> Iterable[Pair]:
    """Pairs that look the same without being the same bytes."""
    for pair in near_pairs([picture.look for picture in pictures]):
        first, second = pictures[pair.first].sample, pictures[pair.second].sample
        if first.sha256 != second.sha256:
            yield Pair(first.path, second.path, pair.distance, pair.correlation)


def write_analysis(analysis: Analysis, out: Path) -> Path:
    """Write analysis.json."""
    out.mkdir(parents=True, exist_ok=True)
    path = out / ANALYSIS
    write_json(path, analysis.document())
    return path
