"""Proves an artifact before it serves: python -m resnet_server.check ARTIFACT [--canary-set DIR [--min-accuracy X]].

A process of its own, started anew: what crashes on load crashes this and nothing else. It prints one JSON object and
exits 0, or {"reason": …} and exits 1.
"""

import argparse
import json
import os
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from resnet_server.errors import ArtifactError, ServiceError
from resnet_server.manifest import MANIFEST_NAME
from resnet_server.picture_files import files_below
from resnet_server.predictor import Predictor, load_predictor
from resnet_server.preprocess import ImageInfo
from resnet_server.settings import ModelSettings, SettingsError, read_settings

NICENESS = 10  # the servers that answer meanwhile come first


def check(settings: ModelSettings, canary_set: Path | None, min_accuracy: float | None) -> dict[str, Any]:
    """Load an artifact as a server would and try it further.

    Returns: version, weights_sha256; with a canary set also its number of pictures, and the accuracy by class and mean.
    Raises: ArtifactError saying why it must not serve.
    """
    predictor = load_predictor(settings)
    check_finite(predictor)
    manifest = predictor.manifest
    facts: dict[str, Any] = {"version": manifest.version, "weights_sha256": manifest.document["weights"]["sha256"]}
    if canary_set:
        facts |= measure(predictor, canary_set)
        if min_accuracy is not None and facts["accuracy"]["mean"] < min_accuracy:
            raise ArtifactError(
                f"{manifest.version} is right on {facts['accuracy']['mean']:.4f} of {canary_set} (the mean of both "
                f"classes); {min_accuracy} was asked for."
            )
    return facts


def check_finite(predictor: Predictor) -> None:
    """Answer black, white and noise: the golden image is one picture only.

    Raises: ArtifactError when an answer is no pair of finite numbers.
    """
    size = (1, predictor.manifest.height, predictor.manifest.width, 3)
    noise = np.random.default_rng(0).integers(0, 256, size, dtype=np.uint8)
    for name, batch in {"black": np.zeros_like(noise), "white": np.full_like(noise, 255), "noise": noise}.items():
        try:
            predictor.postprocess(predictor.model(batch, {}), ImageInfo("PNG", *size[1:3]))
        except ArithmeticError as exc:
            raise ArtifactError(f"{predictor.manifest.version} on a picture of {name}: {exc}") from exc


def measure(predictor: Predictor, canary_set: Path) -> dict[str, Any]:
    """The accuracy on DIR/offline and DIR/online, and of both the mean, which no class outweighs.

    Raises: ArtifactError naming a folder without pictures, or a picture that cannot be answered.
    """
    pictures = 0
    accuracy = {}
    for label in predictor.manifest.labels:
        files = [canary_set / label / name for name in files_below(canary_set / label)]
        if not files:
            raise ArtifactError(f"{canary_set / label} holds no pictures: a canary set is a folder of two, by label.")
        accuracy[label] = sum(answer(predictor, path) == label for path in files) / len(files)
        pictures += len(files)
    return {"pictures": pictures, "accuracy": accuracy | {"mean": sum(accuracy.values()) / len(accuracy)}}


def answer(predictor: Predictor, path: Path) -> str:
    """The label of one picture.

    Raises: ArtifactError naming the file.
    """
    try:
        return predictor.predict(path.read_bytes(), {}).label
    except (OSError, ServiceError, ArithmeticError) as exc:
        raise ArtifactError(f"{path} of the canary set cannot be answered: {exc}") from exc


def main() -> int:
    """Check one artifact and print what was found."""
    parser = argparse.ArgumentParser(prog="python -m resnet_server.check", description=__doc__)
    parser.add_argument("artifact", type=Path)
    parser.add_argument("--canary-set", type=Path, metavar="DIR", help="pictures in DIR/offline and DIR/online")
    parser.add_argument("--min-accuracy", type=float, metavar="X", help="least mean accuracy on the canary set, 0 to 1")
    arguments = parser.parse_args()
    os.nice(NICENESS)
    try:
        settings = replace(read_settings(), artifact=arguments.artifact)
        facts = check(settings, arguments.canary_set, arguments.min_accuracy)
        facts["pinned"] = settings.pinned
    except (ArtifactError, SettingsError) as exc:
        print(json.dumps({"reason": str(exc)}))  # noqa: T201 - what the caller reads
        return 1
    except Exception as exc:  # noqa: BLE001 - whatever it raises, this artifact does not serve
        print(json.dumps({"reason": f"{arguments.artifact / MANIFEST_NAME}: {type(exc).__name__}: {exc}"}))  # noqa: T201
        return 1
    print(json.dumps(facts))  # noqa: T201
    return 0


if __name__ == "__main__":
    sys.exit(main())
