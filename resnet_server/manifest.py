"""Reads and checks a model artifact: a folder with manifest.json, the weights and a golden image."""

import hashlib
import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator

from resnet_server.errors import ArtifactError
from resnet_server.preprocess import PreprocessSpec

SCHEMA_PATH = Path(__file__).resolve().parent.parent / "contracts" / "manifest.schema.json"
MANIFEST_NAME = "manifest.json"


@dataclass(frozen=True)
class Manifest:
    """What an artifact says of itself; contracts/manifest.schema.json describes each field."""

    folder: Path
    version: str
    architecture: str
    labels: tuple[str, ...]
    height: int
    width: int
    mean: tuple[float, float, float]
    std: tuple[float, float, float]
    temperature: float
    weights: Path
    golden_image: Path
    golden_logits: tuple[float, ...]
    golden_tolerance: float
    document: dict[str, Any]

    def preprocess_spec(self, max_pixels: int) -> PreprocessSpec:
        """How pictures must be prepared for this model."""
        return PreprocessSpec(height=self.height, width=self.width, max_pixels=max_pixels)


def load_manifest(folder: Path) -> Manifest:
    """Read an artifact's manifest and check it and every file that it names.

    Raises: ArtifactError, with what is wrong and where.
    """
    path = folder / MANIFEST_NAME
    try:
        document = json.loads(path.read_text(encoding="utf-8"), parse_constant=int)  # NaN and Infinity are no JSON
    except (OSError, ValueError) as exc:
        raise ArtifactError(f"{path} cannot be read: {exc}") from exc
    check_schema(document, path)
    for part in ("weights", "golden"):
        check_sha256(folder / document[part]["file"], document[part]["sha256"])
    spec, golden = document["input"], document["golden"]
    return Manifest(
        folder=folder,
        version=document["version"],
        architecture=document["architecture"],
        labels=tuple(document["labels"]),
        height=spec["height"],
        width=spec["width"],
        mean=(spec["mean"][0], spec["mean"][1], spec["mean"][2]),
        std=(spec["std"][0], spec["std"][1], spec["std"][2]),
        temperature=document.get("temperature", 1.0),
        weights=folder / document["weights"]["file"],
        golden_image=folder / golden["file"],
        golden_logits=tuple(golden["logits"]),
        golden_tolerance=golden["tolerance"],
        document=document,
    )


def check_schema(document: object, path: Path) -> None:
    """Hold a manifest against contracts/manifest.schema.json.

    Raises: ArtifactError naming the first field at fault.
    """
    problems = sorted(manifest_validator().iter_errors(document), key=lambda problem: list(map(str, problem.path)))
    if problems:
        where = ".".join(map(str, problems[0].absolute_path)) or "the document"
        raise ArtifactError(f"{path} is not a valid manifest: {where}: {problems[0].message}")


@cache
def manifest_validator() -> Draft202012Validator:
    """The compiled schema of a manifest."""
    return Draft202012Validator(json.loads(SCHEMA_PATH.read_text(encoding="utf-8")))


def check_sha256(path: Path, expected: str) -> None:
    """Compare a file with the hash that its manifest gives.

    Raises: ArtifactError when the file is missing or differs.
    """
    try:
        found = file_sha256(path)
    except OSError as exc:
        raise ArtifactError(f"{path} cannot be read: {exc}") from exc
    if found != expected:
        raise ArtifactError(f"{path} is damaged: its sha256 is {found}, the manifest says {expected}.")


def file_sha256(path: Path) -> str:
    """The hex SHA-256 of a file's bytes."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
