"""Decodes and classifies photos in one process without any server: python -m benchmarks.in_process SIDE PHOTOS."""

import io
import json
import statistics
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import loky
import typer

from benchmarks.errors import BenchmarkError

Classify = Callable[[bytes], int]  # a photo's bytes → 0 (offline) or 1 (online)
WARM_UP_PHOTOS = 5


class Side(StrEnum):
    """Who classifies."""

    DOCUMENTED = "documented"  # one photo after the other, torch with its own threads
    OURS = "ours"  # one photo after the other, the engine on every core
    PILLOW = "pillow"  # the same where Pillow decodes, as in a loop that a team writes
    LOOP = "loop"  # one photo more at once than there are cores, as in a model server: no core waits for work
    PILLOW_LOOP = "pillow-loop"  # the same where Pillow decodes


LOOPS = {Side.LOOP, Side.PILLOW_LOOP}
WITH_PILLOW = {Side.PILLOW, Side.PILLOW_LOOP}


def main(
    side: Side,
    photos: Annotated[Path, typer.Argument(help="Folder of photos.")],
    seconds: Annotated[float, typer.Option(min=0, help="Whole passes over the photos until so long has passed.")] = 10,
    label: Annotated[int | None, typer.Option(help="What all of them show: print the share that is right.")] = None,
) -> None:
    """Print one line of JSON: photos, milliseconds of one photo (mean, median, of work), photos a second."""
    data = [path.read_bytes() for path in sorted(photos.iterdir())]
    if label is not None:
        print(json.dumps({"right": right_share(classifier(side), data, label)}))
        return
    print(json.dumps(measure(side, data, seconds)))


def measure(side: Side, photos: list[bytes], seconds: float) -> dict[str, float]:
    """Warm up, then time whole passes, so that each photo counts alike.

    Raises: BenchmarkError when there are no photos.
    """
    if not photos:
        raise BenchmarkError("There are no photos to classify.")
    classify = classifier(side)
    for photo in photos[:WARM_UP_PHOTOS]:
        classify(photo)
    at_once = loky.cpu_count() + 1 if side in LOOPS else 1
    started, worked = time.perf_counter(), time.process_time()
    times_ms = timed_ms(classify, whole_passes(photos, seconds), at_once)
    elapsed_s = time.perf_counter() - started
    return {
        "photos": len(times_ms),
        "mean_ms": statistics.mean(times_ms),
        "p50_ms": statistics.median(times_ms),
        "cpu_ms": (time.process_time() - worked) * 1000 / len(times_ms),
        "per_s": len(times_ms) / elapsed_s,
    }


def whole_passes(photos: list[bytes], seconds: float) -> Iterator[bytes]:
    """The photos in turn until so long has passed, each equally often."""
    started = time.perf_counter()
    yield from photos
    while time.perf_counter() - started < seconds:
        yield from photos


def timed_ms(classify: Classify, photos: Iterator[bytes], at_once: int) -> list[float]:
    """Milliseconds of each photo, so many at work at once: who is done takes the next."""
    times_ms: list[float] = []
    lock = threading.Lock()

    def work() -> None:
        while True:
            with lock:
                photo = next(photos, None)
            if photo is None:
                return
            started = time.perf_counter()
            classify(photo)
            times_ms.append((time.perf_counter() - started) * 1000)

    with ThreadPoolExecutor(at_once) as pool:
        for each in [pool.submit(work) for _ in range(at_once)]:
            each.result()
    return times_ms


def classifier(side: Side) -> Classify:
    """The loaded model of one side."""
    if side is Side.DOCUMENTED:
        return documented()
    return ours(alone=side not in LOOPS, with_pillow=side in WITH_PILLOW)


def documented() -> Classify:
    """The documents' model service without its web framework; DOCUMENTED_MODEL names its weights."""
    from benchmarks.documented.app import predict

    return lambda data: predict(io.BytesIO(data))


def ours(*, alone: bool, with_pillow: bool = False) -> Classify:
    """The default model with the engine on every core, as one model server has it.

    `alone`: one photo at a time is classified, so that it may take every core. `with_pillow`: Pillow reads the photo.
    """
    from benchmarks.model import Model
    from resnet_server.settings import default_threads

    model = Model(default_threads("backup"), with_pillow=with_pillow)
    return lambda data: model.predict(*model.prepare(data), alone=alone).result


def right_share(classify: Classify, photos: list[bytes], label: int) -> float:
    """The share of photos of one label that are told so.

    Raises: BenchmarkError when there are no photos.
    """
    if not photos:
        raise BenchmarkError("There are no photos to classify.")
    return sum(classify(photo) == label for photo in photos) / len(photos)


if __name__ == "__main__":
    typer.run(main)
