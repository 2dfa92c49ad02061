"""Distillation: a student learns the labels and a teacher's soft answers, in the loop that trains everything else."""

from pathlib import Path

from training.learning.network import build_network
from training.learning.origin import Origin, teacher_of
from training.learning.recipes import Recipe
from training.serving.convert import network_of
from training.speed.slim import Cost, cost_of


def taught_by(teacher: Path, temperature: float, alpha: float) -> tuple[Origin, tuple[int, int]]:
    """What a run learns from besides the labels, and the teacher's input: height, width.

    Raises: TrainingError when the teacher's weights cannot be read, or the numbers cannot weigh anything.
    """
    manifest, network = network_of(teacher)
    taught = teacher_of(network, temperature, alpha)
    return Origin(manifest.version, manifest.document["name"], teacher=taught), (manifest.height, manifest.width)


def costs_of(teacher: Path, recipe: Recipe) -> tuple[Cost, Cost]:
    """What the teacher costs and what the student of `recipe` will, each at its own input.

    Raises: TrainingError when either's weights cannot be had, or the student cannot be.
    """
    manifest, network = network_of(teacher)
    # ImageNet's would have to be downloaded, and cost what others cost; those of a file may have fewer channels.
    weights = "none" if recipe.weights == "imagenet" else recipe.weights
    student = build_network(recipe.architecture, weights, recipe.channels)
    return cost_of(network, manifest.height, manifest.width), cost_of(student, recipe.height, recipe.width)
