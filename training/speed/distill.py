"""Distillation: a student learns the labels and a teacher's soft answers, in the loop that trains everything else."""

from pathlib import Path

from training.errors import TrainingError
from training.learning.origin import Origin, Teacher
from training.serving.convert import network_of


def taught_by(teacher: Path, temperature: float, alpha: float) -> tuple[Origin, tuple[int, int]]:
    """What a run learns from besides the labels, and the teacher's input: height, width.

    Raises: TrainingError when the teacher's weights cannot be read, or the numbers cannot weigh anything.
    """
    if not temperature > 0:
        raise TrainingError(f"--temperature {temperature:g} cannot soften answers; give a number above 0.")
    if not alpha > 0:
        raise TrainingError(
            f"--alpha {alpha:g} would teach nothing; give a number above 0, or train without a teacher."
        )
    manifest, network = network_of(teacher)
    network.requires_grad_(requires_grad=False)
    return Origin(manifest.version, manifest.document["name"], teacher=Teacher(network, temperature, alpha)), (
        manifest.height,
        manifest.width,
    )
