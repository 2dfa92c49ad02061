"""Measures artifacts in every engine, each case in a process of its own, all of them in turn."""

import contextlib
import itertools
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from rich.progress import track

from resnet_server.engines import WEIGHT_SUFFIX
from resnet_server.engines.onnxruntime import PROVIDERS
from resnet_server.manifest import Manifest
from training.errors import TrainingError
from training.judging.forward import load_model
from training.judging.judged import say_skipped
from training.judging.metrics import mean_accuracy
from training.photos.data import DataSet, load
from training.photos.parts import part_or_whole
from training.serving.artifact import read_checked

ROOT = Path(__file__).resolve().parents[2]
MEGABYTE = 1_000_000


@dataclass(frozen=True)
class Case:
    """One thing to measure."""

    variant: str
    manifest: Manifest
    engine: str
    threads: int
    batch: int


@dataclass(frozen=True)
class Row:
    """What was measured. Latencies are of a whole batch, in milliseconds; megabytes are of 1,000,000 bytes on disk,
    of 2^20 in memory; accuracy is the mean of both classes, None without data."""

    variant: str
    engine: str
    threads: int
    batch: int
    p50_ms: float
    p95_ms: float
    p99_ms: float
    images_per_s: float
    file_mb: float
    peak_mb: float
    mean_accuracy: float | None

    @property
    def inference_ms(self) -> float:
        """What it is ranked by, beside its accuracy."""
        return self.p50_ms


class Worker:
    """A case's process: see training/speed/worker.py."""

    def __init__(self, case: Case) -> None:
        self.case, self.times, self.peak_mb = case, list[float](), 0.0
        command = [sys.executable, "-m", "training.speed.worker"]
        # Some builds of torch's and OpenVINO's libraries ask the environment, whatever the engine is told.
        given = os.environ | {"OMP_NUM_THREADS": str(case.threads)}
        # A file, since libraries may print more than a pipe holds; end() closes it.
        self.printed = tempfile.TemporaryFile("w+", errors="replace")  # noqa: SIM115
        self.process = subprocess.Popen(
            command, cwd=ROOT, env=given, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.printed
        )

    def load(self) -> None:
        """Wait until the engine is warm.

        Raises: TrainingError when it cannot load the artifact.
        """
        case, folder = self.case, str(self.case.manifest.folder.resolve())
        self.ask({"artifact": folder, "engine": case.engine, "threads": case.threads, "batch": case.batch})

    def ask(self, question: object) -> dict[str, Any]:
        """Send a line and read one.

        Raises: TrainingError with what went wrong there, or when the process has ended.
        """
        try:
            print(json.dumps(question), file=self.process.stdin, flush=True)
            answer: dict[str, Any] = json.loads((self.process.stdout and self.process.stdout.readline()) or "{}")
        except OSError:
            answer = {}
        if not answer or "error" in answer:
            words = answer.get("error") or self.last_words()
            raise TrainingError(f"{self.case.variant} in {self.case.engine}: {words}")
        return answer

    def last_words(self) -> str:
        """Why the process, which is ending, does not answer."""
        if (status := self.process.wait()) < 0:
            return f"its process was ended by {signal.Signals(-status).name} (is there enough memory?)."
        self.printed.seek(0)
        lines = self.printed.read().split("\n")
        return "its process ended: " + next((line for line in reversed(lines) if line.strip()), "it does not say why.")

    def run(self, runs: int) -> None:
        """Measure some more."""
        answer = self.ask(runs)
        self.times += answer["milliseconds"]
        self.peak_mb = answer["peak_mb"]

    def end(self) -> None:
        """End the process."""
        self.process.kill()
        self.process.communicate()
        self.printed.close()


def cases_of(
    artifacts: Sequence[Path], engines: Sequence[str], threads: Sequence[int], batches: Sequence[int]
) -> list[Case]:
    """Every artifact in every engine that runs its weights, with every thread count and batch size.

    Raises: TrainingError when there is none, an artifact is named twice, or one answers otherwise than it says.
    """
    if len({path.resolve() for path in artifacts}) < len(artifacts):
        raise TrainingError("An artifact is named twice; name each once.")
    known = [*WEIGHT_SUFFIX, *(f"onnxruntime:{provider}" for provider in PROVIDERS)]
    if unknown := sorted(set(engines) - set(known)):
        raise TrainingError(f"There is no engine {unknown[0]}; choose of {', '.join(known)}.")
    names = [path.resolve().name for path in artifacts]
    short = len(set(names)) == len(names)
    cases = []
    for path, name in zip(artifacts, names, strict=True):
        manifest = read_checked(path)
        fitting = [each for each in engines if WEIGHT_SUFFIX[each.partition(":")[0]] == manifest.weights.suffix]
        if not fitting:
            print(f"left out: {path}; {manifest.weights.name} does not run in {', '.join(engines)}")
        for engine, count, size in itertools.product(fitting, sorted(set(threads)), sorted(set(batches))):
            cases.append(Case(name if short else str(path), manifest, engine, count, size))
    if not cases:
        raise TrainingError(f"None of these artifacts runs in {', '.join(engines)}; .pth runs in pytorch alone.")
    return cases


def accuracies(cases: Sequence[Case], data: Path | None, cache: Path) -> dict[tuple[str, str], float]:
    """The mean accuracy of each (variant, engine) on `data`; of what split wrote, on test (val without one)."""
    if data is None:
        return {}
    found: dict[tuple[str, str], float] = {}
    pictures: dict[tuple[int, int], DataSet] = {}
    for case in cases:
        if (case.variant, case.engine) not in found:
            size = (case.manifest.height, case.manifest.width)
            if size not in pictures:
                pictures[size] = load(part_or_whole(data, "test", "val"), *size, cache)
                say_skipped(pictures[size].skipped)
            model = load_model(case.manifest.folder, case.engine)
            logits = model.predict(pictures[size].images, title=f"{case.variant} in {case.engine}")
            found[case.variant, case.engine] = mean_accuracy(logits, pictures[size].labels)
    return found


def benchmark(
    cases: Sequence[Case], *, rounds: int, runs: int, data: Path | None = None, cache: Path | None = None
) -> list[Row]:
    """Measure every case `rounds` x `runs` times, in the order of `cases`.

    In each round every process runs in turn, in another random order, while the others wait: what else the machine does
    hits all alike.
    Raises: TrainingError when an engine cannot load an artifact.
    """
    judged = accuracies(cases, data, cache or Path("var/training-cache"))
    order = random.Random(0)
    with started(cases) as workers:
        for _ in track(range(rounds), description="measuring", transient=True):
            for worker in order.sample(workers, len(workers)):
                worker.run(runs)
    return [row_of(worker, judged.get((worker.case.variant, worker.case.engine))) for worker in workers]


@contextlib.contextmanager
def started(cases: Sequence[Case]) -> Iterator[list[Worker]]:
    """A process for each case; they end with the block."""
    with contextlib.ExitStack() as stack:
        workers = []
        for case in track(cases, description="loading", transient=True):
            workers.append(Worker(case))
            stack.callback(workers[-1].end)
            workers[-1].load()
        yield workers


def row_of(worker: Worker, accuracy: float | None) -> Row:
    """The numbers of one case."""
    case, times = worker.case, np.array(worker.times)
    p50, p95, p99 = (round(float(value), 3) for value in np.percentile(times, (50, 95, 99)))
    return Row(
        variant=case.variant,
        engine=case.engine,
        threads=case.threads,
        batch=case.batch,
        p50_ms=p50,
        p95_ms=p95,
        p99_ms=p99,
        images_per_s=round(1000 * case.batch * len(times) / float(times.sum()), 2),
        file_mb=round(case.manifest.weights.stat().st_size / MEGABYTE, 3),
        peak_mb=worker.peak_mb,
        mean_accuracy=None if accuracy is None else round(accuracy, 4),
    )
