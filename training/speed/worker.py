"""The process of one measurement: loads an artifact into an engine, and runs it each time it is told to.

python -m training.speed.worker reads lines of JSON from standard input: first what to load, then how many runs. It
imports nothing that the engine does not need, so that its peak memory is what serving this model takes.
"""

import json
import sys
import time
from pathlib import Path

import numpy as np

from resnet_server.engines import Engine, load_engine
from resnet_server.manifest import load_manifest

WARM_UP = 3  # the first runs allocate, and compile what is compiled late


def main() -> None:
    """Answer each line with one line: {"ready"}, {"error"}, or {"milliseconds", "peak_mb"}."""
    job = json.loads(sys.stdin.readline())
    try:
        engine, batch = load(Path(job["artifact"]), job["engine"], job["threads"], job["batch"])
        measure(engine, batch, WARM_UP)
    except Exception as exc:  # noqa: BLE001 - each engine has its own
        say({"error": " ".join((str(exc) or type(exc).__name__).split())})
        return
    say({"ready": True})
    for line in sys.stdin:
        milliseconds = measure(engine, batch, json.loads(line))
        say({"milliseconds": milliseconds, "peak_mb": peak_mb()})


def load(artifact: Path, name: str, threads: int, size: int) -> tuple[Engine, np.ndarray]:
    """The engine, and a batch of noise: uint8 (size, H, W, 3). What a picture shows does not change what it costs."""
    manifest = load_manifest(artifact)
    engine = load_engine(name, manifest, threads)
    if name == "pytorch":
        import torch

        torch.set_num_threads(threads)  # a server leaves each of its callers one; here there is one caller
    shape = (size, manifest.height, manifest.width, 3)
    return engine, np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)


def measure(engine: Engine, batch: np.ndarray, runs: int) -> list[float]:
    """Milliseconds of each run."""
    times = []
    for _ in range(runs):
        start = time.perf_counter()
        engine.infer(batch)
        times.append((time.perf_counter() - start) * 1000)
    return times


def peak_mb() -> float:
    """The most memory that this process has held, in 2^20 bytes; 0 where the kernel is not Linux.

    VmHWM, not getrusage's ru_maxrss: that begins with what the parent held when it forked.
    """
    status = Path("/proc/self/status")
    lines = status.read_text(encoding="utf-8").splitlines() if status.exists() else []
    return next((round(int(line.split()[1]) / 1024, 1) for line in lines if line.startswith("VmHWM:")), 0.0)


def say(answer: dict[str, object]) -> None:
    """One line."""
    print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
