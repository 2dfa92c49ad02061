"""Logits by a network and by an artifact."""

from pathlib import Path

import numpy as np
import pytest
import torch

from tests.tiny_model import brightness_logits, write_artifact
from training.errors import TrainingError
from training.judging.forward import load_model

PICTURES = np.stack([np.full((40, 32, 3), shade, np.uint8) for shade in (0, 60, 127, 128, 255)])


@pytest.mark.parametrize("engine", ["openvino", "onnxruntime"])
def test_any_number_of_pictures_is_answered_in_order(engine: str, tmp_path: Path) -> None:
    model = load_model(write_artifact(tmp_path), engine, 1)
    expected = [brightness_logits((shade, shade, shade)) for shade in (0, 60, 127, 128, 255)]
    assert model.predict(PICTURES, batch=2) == pytest.approx(np.array(expected), abs=1e-4)


def test_pytorch_takes_as_many_threads_as_are_asked(trained: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []
    monkeypatch.setattr(torch, "set_num_threads", asked.append)
    load_model(trained, threads=3)
    assert asked[-1] == 3  # the engine itself sets one, for a server


def test_an_engine_that_does_not_run_these_weights_is_named(tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match=r"The pytorch engine runs \.pth weights"):
        load_model(write_artifact(tmp_path), "pytorch")
