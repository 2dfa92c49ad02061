"""What a run comes from: a teacher's loss, and what may be resumed."""

from pathlib import Path

import numpy as np
import pytest
import torch
from scipy.special import log_softmax

from resnet_server.engines.pytorch import UInt8Network
from resnet_server.manifest import load_manifest
from training.errors import TrainingError
from training.learning.origin import Origin, Teacher
from training.serving.export import torch_run
from training.speed.distill import taught_by


def inputs(golden_batch: np.ndarray) -> torch.Tensor:
    return torch.from_numpy(golden_batch[:4].copy())


def test_who_answers_as_the_teacher_does_loses_nothing(network: UInt8Network, golden_batch: np.ndarray) -> None:
    with torch.no_grad():
        logits = network(inputs(golden_batch))
    loss = Teacher(network, temperature=4.0, alpha=0.5).loss(inputs(golden_batch), logits)
    assert float(loss) == pytest.approx(0, abs=1e-5)


def test_the_loss_is_the_divergence_of_softened_answers_times_the_squared_temperature(
    network: UInt8Network, golden_batch: np.ndarray
) -> None:
    with torch.no_grad():
        taught = network(inputs(golden_batch)).numpy().astype(np.float64)
    student = np.array([[1.0, -1.0], [0.0, 2.0], [3.0, 3.0], [-1.0, 0.5]])
    p, q = log_softmax(taught / 4, axis=1), log_softmax(student / 4, axis=1)
    expected = 0.5 * 4**2 * (np.exp(p) * (p - q)).sum()  # over the batch
    logits = torch.tensor(student, dtype=torch.float32, requires_grad=True)
    loss = Teacher(network, temperature=4.0, alpha=0.5).loss(inputs(golden_batch), logits)
    assert float(loss.detach()) == pytest.approx(expected, rel=1e-4)
    loss.backward()  # type: ignore[no-untyped-call]
    assert logits.grad is not None
    assert all(parameter.grad is None for parameter in network.parameters())


def test_the_facts_of_a_run_name_parent_and_teacher(network: UInt8Network) -> None:
    assert Origin("tiny-1", "tiny", network=network).facts() == {"parent": "tiny-1", "teacher": None}
    taught = Origin("tiny-1", "tiny", teacher=Teacher(network, 4.0, 0.5)).facts()
    assert taught == {"parent": "tiny-1", "teacher": {"temperature": 4.0, "alpha": 0.5}}


def test_a_teacher_is_an_artifact_and_gives_its_size(trained: Path) -> None:
    origin, size = taught_by(trained, 4.0, 0.5)
    assert origin.parent == load_manifest(trained).version
    assert size == (48, 40)
    assert origin.teacher is not None
    assert (origin.teacher.temperature, origin.teacher.alpha) == (4.0, 0.5)


@pytest.mark.parametrize(
    ("temperature", "alpha", "sentence"),
    [
        (0, 0.5, r"^--temperature 0 cannot soften answers; give a finite number above 0\.$"),
        (float("nan"), 0.5, r"^--temperature nan"),
        (float("inf"), 0.5, r"^--temperature inf"),
        (4, float("inf"), r"^--alpha inf"),
        (4, 0, r"^--alpha 0 would teach nothing; give a finite number above 0, or train without a teacher\.$"),
    ],
)
def test_numbers_that_teach_nothing_are_refused(temperature: float, alpha: float, sentence: str, trained: Path) -> None:
    with pytest.raises(TrainingError, match=sentence):
        taught_by(trained, temperature, alpha)


def test_what_is_served_can_teach(trained: Path, exported: Path, golden_batch: np.ndarray) -> None:
    teachers = [taught_by(source, 4.0, 0.5)[0].teacher for source in (trained, exported)]
    answers = [torch_run(each.network)(golden_batch) for each in teachers if each]
    np.testing.assert_allclose(answers[1], answers[0], atol=1e-4)
