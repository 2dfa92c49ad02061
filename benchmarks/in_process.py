"""Decodes and classifies photos in one process without any server: python -m benchmarks.in_process SIDE PHOTOS."""

import io
import json
import statistics
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import loky
import typer

from benchmarks.errors import BenchmarkError

Classify = Callable[[bytes], int]  # a photo's bytes → 0 (offline) or 1 (online)
WARM_UP_PHOTOS = 5
MAX_PIXELS = 50_000_000


class Side(StrEnum):
    """Who classifies."""

    DOCUMENTED = "documented"  # one photo after the other, torch with its own threads
    OURS = "ours"  # one photo after the other, the engine on every core
    LOOP = "loop"  # as many photos at once as there are cores: the most that these cores can do
    PILLOW_LOOP = "pillow-loop"  # the same where Pillow decodes, as in a loop that somebody writes in ten lines


AT_ONCE = {Side.LOOP, Side.PILLOW_LOOP}


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
    at_once = loky.cpu_count() if side in AT_ONCE else 1
    times_ms: list[float] = []
    started, worked = time.perf_counter(), time.process_time()
    with ThreadPoolExecutor(at_once) as pool:
        while not times_ms or time.perf_counter() - started < seconds:
            times_ms += pool.map(lambda photo: timed_ms(classify, photo), photos)
    elapsed_s = time.perf_counter() - started
    return {
        "photos": len(times_ms),
        "mean_ms": statistics.mean(times_ms),
        "p50_ms": statistics.median(times_ms),
        "cpu_ms": (time.process_time() - worked) * 1000 / len(times_ms),
        "per_s": len(times_ms) / elapsed_s,
    }


def timed_ms(classify: Classify, photo: bytes) -> float:
    """Milliseconds of one photo."""
    started = time.perf_counter()
    classify(photo)
    return (time.perf_counter() - started) * 1000


def classifier(side: Side) -> Classify:
    """The loaded model of one side."""
    if side is Side.DOCUMENTED:
        return documented()
    return ours(alone=side not in AT_ONCE, with_pillow=side is Side.PILLOW_LOOP)


def documented() -> Classify:
    """The documents' model service without its web framework; DOCUMENTED_MODEL names its weights."""
    from benchmarks.documented.app import predict

    return lambda data: predict(io.BytesIO(data))


def ours(*, alone: bool, with_pillow: bool = False) -> Classify:
    """The model service's own predictor: its default artifact and engine on every core, as one model server has it.

    `alone`: one photo at a time is classified, so that it may take every core. `with_pillow`: Pillow reads the photo.
    """
    from benchmarks import pillow
    from resnet_server.engines import load_engine
    from resnet_server.manifest import load_manifest
    from resnet_server.predictor import Predictor
    from resnet_server.settings import DEFAULT_ARTIFACT, default_threads

    manifest = load_manifest(DEFAULT_ARTIFACT)
    predictor = Predictor(manifest, load_engine("auto", manifest, default_threads("backup")), MAX_PIXELS)

    def classify_with_pillow(data: bytes) -> int:
        batch, info = pillow.read(data, manifest.width, manifest.height)
        return predictor.postprocess(predictor.model(batch, {}, alone=alone), info).result

    if with_pillow:
        return classify_with_pillow
    return lambda data: predictor.predict(data, {}, is_alone=lambda: alone).result


def right_share(classify: Classify, photos: list[bytes], label: int) -> float:
    """The share of photos of one label that are told so.

    Raises: BenchmarkError when there are no photos.
    """
    if not photos:
        raise BenchmarkError("There are no photos to classify.")
    return sum(classify(photo) == label for photo in photos) / len(photos)


if __name__ == "__main__":
    typer.run(main)
