"""What a run comes from besides its recipe: a network to go on with, or one to learn from (distillation)."""

import math
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import kl_div, log_softmax

from resnet_server.engines.pytorch import UInt8Network
from training.errors import TrainingError


@dataclass(frozen=True)
class Teacher:
    """A trained network whose answers are learned beside the labels (Hinton et al. 2015).

    `temperature` softens both networks' answers before they are compared; `alpha` is what the comparison weighs
    beside the labels' loss, which weighs 1 (the documents: 0.5).
    """

    network: UInt8Network
    temperature: float
    alpha: float

    def loss(self, inputs: Tensor, logits: Tensor) -> Tensor:
        """How far the student's logits, float32 (B, 2), are from the teacher's about the same views, over the batch.

        Kullback-Leibler divergence at the temperature, times its square: gradients then keep their size (ibid.). The
        teacher sees the student's very views (Beyer et al. 2022, "A good teacher is patient and consistent").
        """
        with torch.no_grad():
            taught = self.network.to(inputs.device).eval()(inputs).float()
        soft, softer = (log_softmax(each / self.temperature, dim=1) for each in (logits, taught))
        return self.alpha * self.temperature**2 * kl_div(soft, softer, reduction="sum", log_target=True)


def teacher_of(network: UInt8Network, temperature: float, alpha: float) -> Teacher:
    """The network as a teacher.

    Raises: TrainingError when the numbers cannot weigh anything.
    """
    if not 0 < temperature < math.inf:
        raise TrainingError(f"--temperature {temperature:g} cannot soften answers; give a finite number above 0.")
    if not 0 < alpha < math.inf:
        raise TrainingError(
            f"--alpha {alpha:g} would teach nothing; give a finite number above 0, or train without a teacher."
        )
    return Teacher(network, temperature, alpha)


@dataclass(frozen=True)
class Origin:
    """The artifact that a run comes from; `network` is what training begins with instead of the recipe's weights."""

    parent: str  # its version
    name: str  # which the new model keeps
    network: UInt8Network | None = None
    teacher: Teacher | None = None

    def facts(self) -> dict[str, Any]:
        """What must be the same for a run to be continued."""
        taught = self.teacher and {"temperature": self.teacher.temperature, "alpha": self.teacher.alpha}
        return {"parent": self.parent, "teacher": taught}
