"""The model that ships: whole, small, the same in both engines, and right about real photos."""

import os
from pathlib import Path

import numpy as np
import pytest

from resnet_server.engines import load_engine
from resnet_server.manifest import load_manifest
from resnet_server.preprocess import preprocess
from training.judging.summary import summary_text
from training.photos.data import LABELS, MAX_PIXELS
from training.serving.golden import draw_golden

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "resnet_server" / "default_model"
REAL_IMAGES = Path(os.environ.get("PM_REAL_IMAGES", ROOT.parent / "shared" / "images"))
SAMPLE = 40  # pictures of each class


@pytest.mark.parametrize("engine", ["onnxruntime", "openvino"])
def test_the_golden_picture_is_answered_as_the_manifest_says(engine: str) -> None:
    manifest = load_manifest(FOLDER)
    image, _ = preprocess(manifest.golden_image.read_bytes(), manifest.preprocess_spec(MAX_PIXELS))
    logits = load_engine(engine, manifest, 2).infer(image[np.newaxis])
    assert logits == pytest.approx(np.array([manifest.golden_logits]), abs=manifest.golden_tolerance)
    assert LABELS[int(logits.argmax())] == "online"


def test_it_is_at_most_twelve_megabytes() -> None:
    assert sum(file.stat().st_size for file in FOLDER.iterdir()) <= 12_000_000


def test_its_golden_picture_is_the_projects_own_drawing() -> None:
    assert (FOLDER / "golden.png").read_bytes() == draw_golden()


def test_its_summary_counts_the_channels_that_it_has() -> None:
    lines = dict(line.split(": ", 1) for line in summary_text(str(FOLDER), None, None).splitlines() if ": " in line)
    flops = int(lines["Total FLOPs"].split()[0].replace(",", ""))
    assert flops == 2 * int(lines["Multiply-adds of its convolutions and matrix products"].replace(",", ""))


def test_its_manifest_names_no_path_of_a_machine() -> None:
    command = load_manifest(FOLDER).document["made_by"]["command"]
    assert "PATH_TO_IMAGES" in command
    assert " /" not in command


def test_its_card_gives_the_numbers_of_its_manifest() -> None:
    manifest = load_manifest(FOLDER)
    card = (ROOT / "docs" / "model-card.md").read_text(encoding="utf-8")
    metrics = manifest.document["metrics"]
    assert manifest.version in card
    assert f"{metrics['mean_accuracy']:.4f}" in card
    assert f"{metrics['ece']:.4f}" in card


def test_it_knows_the_photos_that_it_was_trained_on() -> None:
    if not REAL_IMAGES.is_dir():
        pytest.skip(f"{REAL_IMAGES} is not there: set PM_REAL_IMAGES to a folder with sub-folders offline and online.")
    manifest = load_manifest(FOLDER)
    spec, engine = manifest.preprocess_spec(MAX_PIXELS), load_engine("openvino", manifest, 2)
    right = []
    for label, name in enumerate(LABELS):
        files = sorted((REAL_IMAGES / name).iterdir())
        for path in files[:: max(1, len(files) // SAMPLE)][:SAMPLE]:
            logits = engine.infer(preprocess(path.read_bytes(), spec)[0][np.newaxis])
            right.append(int(logits.argmax()) == label)
    assert np.mean(right) >= 0.97
