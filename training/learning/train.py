"""From a data folder to a trained artifact: reads the parts, trains, and writes what the run is and how well it did."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from accelerate import PartialState

from resnet_server.engines.pytorch import UInt8Network
from resnet_server.manifest import Manifest
from training.judging.answers import answers_of
from training.judging.calibrate import fit_temperature
from training.judging.forward import predict
from training.judging.metrics import tally
from training.learning.fit import fit
from training.learning.origin import Origin
from training.learning.processes import from_first, start_process
from training.learning.recipes import Recipe
from training.learning.run import check_folder
from training.learning.sources import Parts
from training.photos.data import DataSet, load
from training.photos.folders import outside
from training.serving.artifact import check_name, facts_of_recipe, with_metrics, write_artifact
from training.text import printable
from training.threads import use_threads


def train_run(
    data: Path,
    out: Path,
    recipe: Recipe,
    *,
    seed: int,
    threads: int,
    cache: Path,
    resume: bool,
    workers: int = 0,
    name: str = "class-photos",
    origin: Origin | None = None,
) -> Manifest | None:
    """Train on data/train, choose by data/val, and make `out` an artifact; of a plain data set, learn all of it.

    `origin`: the artifact that the run goes on from, or learns from.

    Returns: the manifest; None in all but the first of several processes.
    Raises: TrainingError for whatever is wrong with the data, the recipe or the folder.
    """
    accelerator = start_process()  # before anything else asks whether there are several
    use_threads(threads)
    name = origin.name if origin else name
    check_name(name)
    outside(out, data)
    from_first(accelerator, lambda: check_folder(out, resume=resume))  # before minutes of decoding
    accelerator.print(f"{accelerator.num_processes} process(es), {torch.get_num_threads()} thread(s) each")
    divided = (data / "train").is_dir() and (data / "val").is_dir()
    train = load_said(data / "train" if divided else data, *recipe.canvas, cache)
    val = load_said(data / "val", recipe.height, recipe.width, cache) if divided else None
    parts = Parts(train, np.arange(len(train.samples)), val)
    network = fit(parts, recipe, out, seed=seed, resume=resume, workers=workers, origin=origin)
    if network is None:
        return None
    facts = replace(facts_of_recipe(recipe, name, seed, parts.sha256), parent=origin.parent if origin else None)
    return write_artifact(out, out / "model.pth", with_metrics(facts, validation_metrics(network, val)))


def validation_metrics(network: UInt8Network, val: DataSet | None) -> dict[str, Any]:
    """The manifest's temperature and metrics, on the part that the best epoch was chosen by."""
    if val is None:
        return {"measured_on": "nothing: the network learned every picture of its data set"}
    answers = answers_of(val.samples, predict(network, val.images))
    temperature = fit_temperature(answers.logits, answers.labels)
    return {
        "measured_on": "the validation part, which chose the epoch and the temperature",
        **tally(answers),
        "temperature": temperature,
    }


def load_both(data: Path, recipe: Recipe, threads: int, cache: Path) -> tuple[DataSet, DataSet]:
    """The pictures as canvases to crop from and at the served size; sets the thread count."""
    use_threads(threads)
    return load_said(data, *recipe.canvas, cache), load(data, recipe.height, recipe.width, cache)


def load_said(folder: Path, height: int, width: int, cache: Path) -> DataSet:
    """The pictures; says what there is and what is skipped, in the first of several processes."""
    data = load(folder, height, width, cache)
    say = PartialState().print
    for item in data.skipped:
        say(f"skipped {printable(item.path)}: {item.reason}")
    counts = [int((data.labels == label).sum()) for label in (0, 1)]
    say(f"{folder}: {counts[0]} offline, {counts[1]} online, {len(data.skipped)} skipped, data {data.sha256[:16]}")
    return data
