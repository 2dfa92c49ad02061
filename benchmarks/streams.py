"""Compares the engine's two compiled models, for one caller and for one a core: python -m benchmarks.streams."""

import statistics
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import typer

from resnet_server.engines import Engine, load_engine
from resnet_server.manifest import load_manifest
from resnet_server.settings import DEFAULT_ARTIFACT, default_threads

ROUNDS = 5
NAMES = {True: "for one caller (latency)", False: "for many (throughput)"}


def main(calls: int = typer.Option(60, min=1, help="Inferences of each caller in each round.")) -> None:
    """Print inferences a second and median milliseconds of both, measured by turns; needs two cores or more."""
    manifest, cores = load_manifest(DEFAULT_ARTIFACT), default_threads("backup")
    engine = load_engine("openvino", manifest, cores)
    batch = np.random.default_rng(0).integers(0, 256, (1, manifest.height, manifest.width, 3), dtype=np.uint8)
    cases = [(alone, callers) for callers in (1, cores) for alone in NAMES]
    measured: dict[tuple[bool, int], list[tuple[float, float]]] = {case: [] for case in cases}
    for _ in range(ROUNDS):
        for case in cases:
            measured[case].append(measure(engine, batch, alone=case[0], callers=case[1], calls=calls))
    for (alone, callers), rounds in measured.items():
        rate, p50 = (statistics.median(column) for column in zip(*rounds, strict=True))
        print(f"{callers} at once, compiled {NAMES[alone]}: {rate:.0f} a second, p50 {p50:.1f} ms")


def measure(engine: Engine, batch: np.ndarray, *, alone: bool, callers: int, calls: int) -> tuple[float, float]:
    """Inferences a second of all callers together, and the median milliseconds of one. `batch`: uint8 (1, H, W, 3)."""

    def work(_caller: int) -> list[float]:
        times_ms = []
        for _ in range(calls):
            started = time.perf_counter()
            engine.infer(batch, alone=alone)
            times_ms.append((time.perf_counter() - started) * 1000)
        return times_ms

    with ThreadPoolExecutor(callers) as pool:
        started = time.perf_counter()
        times_ms = [ms for each in pool.map(work, range(callers)) for ms in each]
        seconds = time.perf_counter() - started
    return len(times_ms) / seconds, statistics.median(times_ms)


if __name__ == "__main__":
    typer.run(main)
