"""Distillation: a student learns the labels and a teacher's soft answers, in the loop that trains everything else."""

from pathlib import Path

from training.learning.origin import Origin, teacher_of
from training.serving.convert import network_of


def taught_by(teacher: Path, temperature: float, alpha: float) -> tuple[Origin, tuple[int, int]]:
    """What a run learns from besides the labels, and the teacher's input: height, width.

    Raises: TrainingError when the teacher's weights cannot be read, or the numbers cannot weigh anything.
    """
    manifest, network = network_of(teacher)
    taught = teacher_of(network, temperature, alpha)
    return Origin(manifest.version, manifest.document["name"], teacher=taught), (manifest.height, manifest.width)
