"""export, quantize, package and verify, as a person calls them."""

import shlex
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from training.commands import DEFAULT_CACHE, Artifact, Cache, Data, written
from training.commands.options import Target


def export(
    artifact: Artifact,
    out: Target,
    data: Annotated[Path, typer.Option(help="Real pictures to compare the engines on (val of what split wrote).")],
    cache: Cache = DEFAULT_CACHE,
) -> None:
    """Write a .pth artifact as ONNX; kept only if PyTorch, ONNX Runtime and OpenVINO agree at batch 1, 2 and 7."""
    from training.serving.convert import export_artifact

    print(export_artifact(artifact, out, data, cache))
    written(out, shlex.join(["quantize", str(out), "DATA", "ARTIFACT"]))


def quantize(
    artifact: Artifact,
    data: Data,
    out: Target,
    dynamic: Annotated[
        bool, typer.Option("--dynamic", help="As in the documents: scales are taken from each batch, DATA only judges.")
    ] = False,
    max_drop: Annotated[float, typer.Option(min=0, help="Points of mean accuracy that int8 may lose on DATA.")] = 0.5,
    cache: Cache = DEFAULT_CACHE,
) -> None:
    """Turn an ONNX artifact to int8; refuses when mean accuracy on DATA drops by more than --max-drop points."""
    from training.serving.convert import quantize_artifact

    change = quantize_artifact(artifact, data, out, max_drop=max_drop / 100, cache=cache, dynamic=dynamic)
    print(change.words())
    written(out, shlex.join(["evaluate", str(out), str(data), "--against", str(artifact)]))


def package(
    weights: Annotated[Path, typer.Argument(help="An artifact, a .onnx file, or a .pth state dictionary.")],
    out: Target,
    like: Annotated[
        Path | None, typer.Option(help="An artifact whose manifest holds for a bare weights file too.")
    ] = None,
    architecture: Annotated[str, typer.Option(help="Of a bare weights file without --like.")] = "resnet18",
    height: Annotated[
        int, typer.Option(min=32, max=4096, help="Input of a bare weights file without --like, pixels.")
    ] = 700,
    width: Annotated[
        int, typer.Option(min=32, max=4096, help="Input of a bare weights file without --like, pixels.")
    ] = 500,
    metrics: Annotated[
        Path | None, typer.Option(help="metrics.json of calibrate or evaluate, for the manifest.")
    ] = None,
    name: Annotated[str | None, typer.Option(help="The version is this and 8 digits of the weights' hash.")] = None,
) -> None:
    """Put weights and manifest into the folder that a server loads, and check it as the server does."""
    from training.serving.convert import package as package_artifact
    from training.serving.measured import read_metrics

    document = None if metrics is None else read_metrics(metrics)
    bare = {"architecture": architecture, "height": height, "width": width}
    manifest = package_artifact(weights, out, like=like, metrics=document, name=name, **bare)  # type: ignore[arg-type]
    print(f"version {manifest.version}, golden logits {list(manifest.golden_logits)}")
    written(out, shlex.join(["verify", str(out)]))


def verify(artifact: Artifact) -> None:
    """Check an artifact as a server does before it serves: manifest, hashes, loading, golden picture, batches.

    Where many weights are zeros, what these save is measured, too.
    """
    from training.serving.artifact import verify as checks
    from training.speed.sparsify import zeros_measured

    for line in checks(artifact):
        print(f"ok: {line}")
    if zeros := zeros_measured(artifact):
        print(zeros)
    print(f"{artifact} can be served")
    print(f"next: python manage.py deploy_model {shlex.quote(str(artifact))}")


STEPS: tuple[Callable[..., None], ...] = (export, quantize, package, verify)
