"""Reads what calibrate and evaluate measured, and holds it against the manifest's schema and the weights."""

import json
from pathlib import Path
from typing import Any

from resnet_server.manifest import file_sha256, manifest_validator
from training.errors import TrainingError


def read_metrics(path: Path) -> dict[str, Any]:
    """metrics.json: what it was measured on, numbers and a temperature.

    Raises: TrainingError when the file holds anything that a manifest may not.
    """
    try:
        document = json.loads(path.read_text(encoding="utf-8"), parse_constant=int)  # int refuses NaN, which is no JSON
    except ValueError as exc:
        raise TrainingError(f"{path} is no JSON file; give metrics.json of calibrate or evaluate.") from exc
    if not isinstance(document, dict) or "measured_on" not in document:
        raise TrainingError(f"{path} does not say what it was measured on; give metrics.json of calibrate or evaluate.")
    check_schema(document, path)
    return document


def field_schema(name: str) -> dict[str, Any]:
    """What contracts/manifest.schema.json says of one field."""
    whole: Any = manifest_validator().schema
    field: dict[str, Any] = whole["properties"][name]
    return field


def check_schema(document: dict[str, Any], path: Path) -> None:
    """Raises: TrainingError naming the first field that contracts/manifest.schema.json does not allow."""
    fields = {name: field_schema(name) for name in ("temperature", "metrics")}
    given = {"metrics": {name: value for name, value in document.items() if name != "temperature"}}
    if "temperature" in document:
        given["temperature"] = document["temperature"]
    for problem in manifest_validator().evolve(schema={"properties": fields}).iter_errors(given):
        name = problem.absolute_path[-1]
        raise TrainingError(
            f"{path} cannot go into a manifest: {name}: {problem.message}; give metrics.json of calibrate or evaluate."
        )


def check_measured(document: dict[str, Any], weights: Path) -> None:
    """evaluate names the model that it measured by its version, which ends in 8 digits of its weights' hash.

    calibrate measures the recipe and names no model: that is taken.
    Raises: TrainingError when another model than `weights` was measured.
    """
    measured, digits = document.get("model"), file_sha256(weights)[:8]
    if measured is not None and not str(measured).endswith(digits):
        raise TrainingError(
            f"The metrics are of {measured}, and the hash of {weights} begins with {digits}; "
            "evaluate these weights, then package them with that metrics.json."
        )
