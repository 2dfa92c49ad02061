"""One process or several: accelerate's set-up, batch norms that count over all of them, and which precision helps."""

import ctypes
import sys
from collections.abc import Callable, Iterable, Iterator
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt
import torch
import torch.distributed as dist
from accelerate import Accelerator
from accelerate.utils import broadcast_object_list, gather_object
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from torch import Tensor, nn

from training.errors import TrainingError

SHARD_BATCH = 8  # pictures that a network answers about at once

Item = TypeVar("Item")
Rows = npt.NDArray[np.float32]


def start_process() -> Accelerator:
    """What `accelerate launch` or `torchrun` started, or one process on its own; a GPU where there is one."""
    keep_freed_memory()
    torch.set_flush_denormal(True)
    return Accelerator(cpu=not torch.cuda.is_available(), mixed_precision="no")


def keep_freed_memory() -> None:
    """Handing 57 MB activations back to the kernel and fetching them again costs a fifth of a step."""
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)  # glibc only
    if mallopt:
        mallopt(-4, 0)  # M_MMAP_MAX: never by mmap
        mallopt(-1, -1)  # M_TRIM_THRESHOLD: never trim


def precision_of(name: str, device: torch.device) -> torch.dtype:
    """float32 or bfloat16; "auto": bfloat16 where the hardware multiplies in it (a GPU from Ampere on, a CPU with AMX).

    Raises: TrainingError for another name.
    """
    if name in {"float32", "bfloat16"}:
        return torch.float32 if name == "float32" else torch.bfloat16
    if name != "auto":
        raise TrainingError(f"There is no precision {name}; choose auto, float32 or bfloat16.")
    if device.type == "cuda":
        return torch.bfloat16 if torch.cuda.is_bf16_supported() else torch.float32
    return torch.bfloat16 if torch.cpu.get_capabilities().get("amx_bf16") else torch.float32


def from_first(accelerator: Accelerator, make: Callable[[], Item]) -> Item:
    """What the first process makes, in every process: the others may have no such file."""
    made: list[Any] = [make() if accelerator.is_main_process else None]
    found: Item = broadcast_object_list(made)[0] if accelerator.num_processes > 1 else made[0]
    return found


def shard(batches: list[list[int]], accelerator: Accelerator) -> list[list[int]]:
    """This process's part of every batch: together the processes take the steps that one process would."""
    return [indices[accelerator.process_index :: accelerator.num_processes] for indices in batches]


def gather_rows(rows: dict[int, list[float]]) -> Rows:
    """Every process's rows together: float32 (N, columns), in the order of their keys."""
    together: dict[int, list[float]] = {}
    for part in gather_object([rows]):
        together |= part
    return np.array([together[index] for index in sorted(together)], dtype=np.float32)


def in_shards(
    compute: Callable[[list[int]], list[list[float]]], count: int, title: str, accelerator: Accelerator
) -> Rows:
    """compute(indices) for all of range(count), divided among the processes: float32 (count, columns)."""
    rows: dict[int, list[float]] = {}
    mine = range(accelerator.process_index, count, accelerator.num_processes)
    starts = range(0, len(mine), SHARD_BATCH)
    for start in with_bar(starts, len(starts), title, accelerator):
        indices = list(mine[start : start + SHARD_BATCH])
        rows |= dict(zip(indices, compute(indices), strict=True))
    return gather_rows(rows)


def with_bar(items: Iterable[Item], total: int, title: str, accelerator: Accelerator) -> Iterator[Item]:
    """The items, under a progress bar where there is a terminal, in the first process only."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    silent = not (sys.stdout.isatty() and accelerator.is_main_process)
    with Progress(*columns, transient=True, disable=silent) as progress:
        yield from progress.track(items, total=total, description=title)


def synchronise_batch_norms(network: nn.Module, accelerator: Accelerator) -> nn.Module:
    """Make batch norms count over all processes, so that two with half a batch do what one with the whole does."""
    if accelerator.num_processes == 1:
        return network
    if accelerator.device.type == "cuda":
        converted: nn.Module = nn.SyncBatchNorm.convert_sync_batchnorm(network)  # type: ignore[no-untyped-call]
        return converted
    for name, module in list(network.named_modules()):
        if isinstance(module, nn.BatchNorm2d):
            owner, _, leaf = name.rpartition(".")
            setattr(network.get_submodule(owner), leaf, synchronised(module))
    return network


def synchronised(module: nn.BatchNorm2d) -> "SyncBatchNorm2d":
    """The same parameters and statistics in a SyncBatchNorm2d."""
    own = SyncBatchNorm2d(module.num_features, module.eps, module.momentum)
    own.load_state_dict(module.state_dict())
    return own.requires_grad_(requires_grad=next(module.parameters()).requires_grad)


class MeanOverProcesses(torch.autograd.Function):
    """The mean of a tensor over all processes; so is the gradient, as every process's loss depends on the mean."""

    @staticmethod
    def forward(_context: Any, value: Tensor) -> Tensor:  # noqa: ANN401  # torch's own
        """Any shape, the same in every process."""
        total = value.clone()
        dist.all_reduce(total)
        return total / dist.get_world_size()

    @staticmethod
    def backward(_context: Any, gradient: Tensor) -> Tensor:  # noqa: ANN401
        """The gradient of the sum of all processes' losses, divided by their number."""
        total = gradient.contiguous().clone()
        dist.all_reduce(total)
        return total / dist.get_world_size()


class SyncBatchNorm2d(nn.BatchNorm2d):
    """Batch norm over the pictures of all processes, on the CPU: torch's SyncBatchNorm runs on GPUs only."""

    def forward(self, features: Tensor) -> Tensor:
        """float (N, C, H, W), the same N in every process."""
        if not self.training:
            return super().forward(features)
        with torch.autocast(features.device.type, enabled=False):
            values, world = features.float(), dist.get_world_size()
            moments = torch.stack([values.mean((0, 2, 3)), values.square().mean((0, 2, 3))])
            mean, square = MeanOverProcesses.apply(moments)
            variance = (square - mean.square()).clamp_min(0)
            self.count(mean.detach(), variance.detach(), world * values.numel() // values.shape[1])
            scale = self.weight * torch.rsqrt(variance + self.eps)
            shift = self.bias - mean * scale
            normalised: Tensor = (values * scale[:, None, None] + shift[:, None, None]).to(features.dtype)
            return normalised

    def count(self, mean: Tensor, variance: Tensor, pixels: int) -> None:
        """Update the running statistics as nn.BatchNorm2d does: with the unbiased variance."""
        momentum = 0.1 if self.momentum is None else self.momentum
        if self.running_mean is not None and self.running_var is not None:
            self.running_mean.lerp_(mean, momentum)
            self.running_var.lerp_(variance * pixels / max(1, pixels - 1), momentum)
        if self.num_batches_tracked is not None:
            self.num_batches_tracked.add_(1)
