"""Flat grey pictures, which tests/tiny_model.py's network calls online where they are lighter than 127."""

import csv
from collections.abc import Iterable, Mapping
from pathlib import Path

import numpy as np
from PIL import Image

from training.judging.answers import Answers


def write_shades(
    folder: Path, offline: Iterable[int], online: Iterable[int], groups: Mapping[str, str] | None = None
) -> Path:
    """A data set: a 48 x 40 picture a shade, named by it; `groups` maps `class/name` to a group for manifest.csv."""
    for label, shades in (("offline", offline), ("online", online)):
        (folder / label).mkdir(parents=True, exist_ok=True)
        for shade in shades:
            Image.new("RGB", (48, 40), (shade, shade, shade)).save(folder / label / f"{shade:03}.png")
    if groups:
        with (folder / "manifest.csv").open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(("path", "group"))
            writer.writerows(groups.items())
    return folder


def answers(labels: Iterable[int], margins: Iterable[float], groups: Iterable[str] | None = None) -> Answers:
    """Answers written by hand: `margins` are online's logits minus offline's; paths are p00, p01, …"""
    truth, logits = np.array(list(labels), dtype=np.int64), np.array([[0, margin] for margin in margins], np.float32)
    paths = tuple(f"p{index:02}" for index in range(len(truth)))
    return Answers(paths, np.array(list(groups or paths), dtype=np.str_), truth, logits)
