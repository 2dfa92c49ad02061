"""Writes the parts of a split: train, val and test as data sets of their own, and split.json about them."""

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path

from training.photos.folders import link_or_copy, write_json, write_manifest
from training.photos.split import Split

DOCUMENT = "split.json"


def write_parts(folder: Path, split: Split, out: Path, facts: Mapping[str, object]) -> Path:
    """Link every picture of `folder` into out/PART/class, with a manifest.csv each; then split.json, last.

    `facts` are added to split.json: the command, the seed.
    """
    for part in split.shares:
        members = split.members(part)
        for sample in members:
            link_or_copy(folder / sample.path, out / part / sample.path)
        write_manifest(out / part, members)
    path = out / DOCUMENT
    write_json(path, document(split, facts))
    return path


def part_or_whole(data: Path, *parts: str) -> Path:
    """The first of `parts` that split wrote below `data`; `data` itself where it is one data set."""
    return next((data / part for part in parts if (data / part).is_dir()), data)


def document(split: Split, facts: Mapping[str, object]) -> dict[str, object]:
    """What split.json says."""
    counts = split.counts()
    parts = {
        part: {
            "pictures": counts[part],
            "groups": len({sample.group for sample in split.members(part)}),
            "share_asked": round(share, 4),
            "share_reached": round(split.reached()[part], 4),
        }
        for part, share in split.shares.items()
    }
    return {
        **facts,
        "data_sha256": split.sha256,
        "parts": parts,
        "val_pictures_related_to_train": split.related("val", "train"),
        "left_out": [asdict(item) for item in split.skipped],
    }
