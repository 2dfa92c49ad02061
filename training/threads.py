"""How many threads torch takes in this process."""

import torch
from loky import cpu_count


def use_threads(threads: int) -> None:
    """So many; 0: what the CPU quota and the affinity give."""
    torch.set_num_threads(threads or cpu_count())
