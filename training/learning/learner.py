"""A network with its loss, optimizer, learning-rate schedule and running average: what one training step changes."""

from typing import Any

import numpy as np
import torch
from accelerate import Accelerator
from torch import Tensor, nn
from torch.optim import lr_scheduler
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from training.judging.answers import Logits
from training.learning.origin import Teacher
from training.learning.processes import synchronise_batch_norms
from training.learning.recipes import Recipe
from training.photos.data import class_weights

STEP_EPOCHS, STEP_FACTOR, MOMENTUM = 7, 0.1, 0.9  # the documents' StepLR and SGD


class Learner:
    """Everything that a resumed run must find as an unbroken one would: see state_dict."""

    def __init__(
        self,
        network: nn.Module,
        recipe: Recipe,
        labels: np.ndarray,
        accelerator: Accelerator,
        precision: torch.dtype,
        teacher: Teacher | None = None,
    ) -> None:
        """`labels`: int64 (N,) of the training pictures, for the class weights and the length of the schedule."""
        self.accelerator, self.precision, self.teacher = accelerator, precision, teacher
        network = network.to(accelerator.device)
        self.network = synchronise_batch_norms(network, accelerator)
        self.model: nn.Module = accelerator.prepare_model(self.network)
        # A mean over the batch, not over its weights: halves of a batch then average to the whole batch's loss.
        self.loss_of = nn.CrossEntropyLoss(
            weight=torch.from_numpy(class_weights(labels)).to(accelerator.device),
            label_smoothing=recipe.label_smoothing,
            reduction="sum",
        )
        self.optimizer = optimizer_of(recipe, self.network)
        self.schedule_a_step = recipe.schedule == "one-cycle"
        steps = recipe.epochs * (len(labels) // recipe.batch)
        self.schedule = schedule_of(recipe, self.optimizer, steps)
        self.average: AveragedModel | None = None
        if recipe.ema_decay:
            # A short run must not remember how it began: what is left of its first quarter is a twentieth at most.
            decay = min(recipe.ema_decay, 1 - 4 / max(steps, 5))
            keep = get_ema_multi_avg_fn(decay)  # type: ignore[no-untyped-call]  # torch has not annotated it
            self.average = AveragedModel(self.network, multi_avg_fn=keep, use_buffers=True)

    def step(self, inputs: Tensor, labels: Tensor) -> Tensor:
        """One update. What the network takes, int64 (B,) → float64 (3,): the loss's sum, right answers, pictures."""
        inputs, labels = inputs.to(self.accelerator.device), labels.to(self.accelerator.device)
        with torch.autocast(self.accelerator.device.type, self.precision, enabled=self.precision != torch.float32):
            logits = self.model(inputs).float()
            taught = self.teacher.loss(inputs, logits) if self.teacher else 0
        loss: Tensor = self.loss_of(logits, labels) + taught
        self.optimizer.zero_grad()
        self.accelerator.backward(loss / len(labels))
        self.optimizer.step()
        if self.schedule_a_step:
            self.schedule.step()
        if self.average is not None:
            self.average.update_parameters(self.network)
        right = (logits.argmax(1) == labels).sum()
        return torch.tensor([loss.item(), right.item(), len(labels)], dtype=torch.float64)

    def end_epoch(self) -> None:
        """The documents' schedule moves once an epoch."""
        if not self.schedule_a_step:
            self.schedule.step()

    @property
    def kept(self) -> nn.Module:
        """What validation judges and the run keeps: the running average, or the weights where there is none."""
        return self.network if self.average is None else self.average.module

    def logits(self, inputs: Tensor) -> Logits:
        """The kept network's answers: what it takes, N of it → float32 (N, 2), in the precision of training."""
        device = self.accelerator.device
        faster = torch.autocast(device.type, self.precision, enabled=self.precision != torch.float32)
        with torch.inference_mode(), faster:
            answers: Logits = self.kept.eval()(inputs.to(device)).float().cpu().numpy()
        return answers

    def state_dict(self) -> dict[str, Any]:
        """Tensors and numbers only: it is read back with weights_only."""
        return {
            "network": self.network.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "schedule": self.schedule.state_dict(),
            "average": None if self.average is None else self.average.state_dict(),
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """What state_dict gave."""
        self.network.load_state_dict(state["network"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.schedule.load_state_dict(state["schedule"])
        if self.average is not None:
            self.average.load_state_dict(state["average"])


def optimizer_of(recipe: Recipe, network: nn.Module) -> torch.optim.Optimizer:
    """SGD with momentum as documented, or AdamW."""
    trained = [parameter for parameter in network.parameters() if parameter.requires_grad]
    if recipe.optimizer == "adamw":
        return torch.optim.AdamW(trained, recipe.learning_rate, weight_decay=recipe.weight_decay)
    return torch.optim.SGD(trained, recipe.learning_rate, momentum=MOMENTUM, weight_decay=recipe.weight_decay)


def schedule_of(recipe: Recipe, optimizer: torch.optim.Optimizer, steps: int) -> lr_scheduler.LRScheduler:
    """StepLR(7, 0.1) by epoch as documented, or one cycle (Smith 2018) by step, over all phases."""
    if recipe.schedule == "step":
        return lr_scheduler.StepLR(optimizer, STEP_EPOCHS, STEP_FACTOR)
    # A tenth of the steps rises; of ten it would be one, by which PyTorch then divides less one.
    share = max(0.1, 1.1 / (steps + 1))
    return lr_scheduler.OneCycleLR(optimizer, recipe.learning_rate, steps + 1, pct_start=share, cycle_momentum=False)
