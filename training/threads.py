"""How many threads torch takes in this process."""

import torch
from loky import cpu_count


def use_threads(threads: int) -> None:
    """So many; 0: what the CPU quota and the affinity give."""
    torch.set_num_threads(threads or cpu_count())


def on_threads() -> str:
    """How many a time that is printed is of: "on 2 threads"."""
    threads = torch.get_num_threads()
    return f"on {threads} thread{'' if threads == 1 else 's'}"
