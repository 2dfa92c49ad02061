"""Architectures trained alike and ranked; two tiny real trainings, and rows written by hand."""

import csv
from dataclasses import replace
from pathlib import Path

import pytest

from resnet_server.manifest import load_manifest
from tests.tiny_model import write_artifact
from tests.training.shades import write_shades
from training.errors import TrainingError
from training.judging import compare as comparing
from training.judging.compare import Contender, compare, rank
from training.judging.forward import load_model
from training.learning.recipes import DOCUMENTED, with_epochs, with_size

RECIPE = with_epochs(with_size(replace(DOCUMENTED, weights="none", batch=4), 64, 64), 1)
ROW = Contender("", 0.9, 0.9, 0.9, 10.0, 12.0, 1)


@pytest.fixture
def parts(tmp_path: Path) -> Path:
    """What split writes, but for its split.json."""
    write_shades(tmp_path / "parts" / "train", range(0, 100, 25), range(150, 250, 25))
    write_shades(tmp_path / "parts" / "val", [20, 40], [200, 220])
    return tmp_path / "parts"


def run(parts: Path, out: Path, *architectures: str, resume: bool = False) -> list[Contender]:
    cache = out.parent / "cache"
    return compare(parts, out, architectures, RECIPE, seed=0, threads=1, cache=cache, resume=resume)


def test_every_architecture_is_trained_measured_and_ranked(parts: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    ranked = run(parts, out, "resnet18", "mobilenet_v2")
    assert {each.architecture: each.parameters for each in ranked} == {
        "resnet18": 11_177_538,
        "mobilenet_v2": 2_226_434,
    }
    for each in ranked:
        assert load_manifest(out / each.architecture).architecture == each.architecture
        assert 0 < each.inference_ms < each.decode_and_inference_ms
    with (out / "comparison.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [(row["rank"], row["architecture"]) for row in rows] == [
        (str(place), each.architecture) for place, each in enumerate(ranked, 1)
    ]
    page = (out / "index.html").read_text(encoding="utf-8")
    assert "(1 epoch, 64 × 64,\nweights none)" in page
    assert (out / "tradeoff.png").stat().st_size > 5000

    before = (out / "resnet18" / "model.pth").stat().st_mtime_ns
    with pytest.raises(TrainingError, match="--resume"):
        run(parts, out, "resnet18", "mobilenet_v2")
    assert len(run(parts, out, "resnet18", "mobilenet_v2", resume=True)) == 2
    assert (out / "resnet18" / "model.pth").stat().st_mtime_ns == before


def test_the_more_accurate_is_first_and_the_beaten_are_marked() -> None:
    slow, fast = replace(ROW, architecture="slow", mean_accuracy=0.99, inference_ms=90.0), ROW
    poor = replace(ROW, architecture="poor", mean_accuracy=0.9, inference_ms=11.0)
    ranked = rank([poor, fast, slow])
    assert [(each.architecture, each.dominated) for each in ranked] == [("slow", False), ("", False), ("poor", True)]


def test_equals_do_not_beat_each_other() -> None:
    assert [each.dominated for each in rank([ROW, replace(ROW, architecture="twin")])] == [False, False]


def test_folders_without_parts_and_names_given_twice_are_refused(parts: Path, tmp_path: Path) -> None:
    plain = write_shades(tmp_path / "plain", [10], [200])
    with pytest.raises(TrainingError, match=r"plain has no part val; cut it first: python -m training split"):
        run(plain, tmp_path / "out", "resnet18")
    with pytest.raises(TrainingError, match="An architecture is named twice"):
        run(parts, tmp_path / "out", "resnet18", "resnet18")
    with pytest.raises(TrainingError, match="vgg is not known; choose one of resnet18"):
        run(parts, tmp_path / "out", "resnet18", "vgg")
    assert not (tmp_path / "out").exists()  # said before hours of training, not after


def test_latency_skips_what_is_no_picture(parts: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (parts / "val" / "offline" / "000.gif").write_bytes(b"GIF89a")
    monkeypatch.setattr(comparing, "TIMED_PICTURES", 3)
    inference, whole = comparing.latency(load_model(write_artifact(tmp_path / "model")), parts / "val")
    assert 0 < inference <= whole
