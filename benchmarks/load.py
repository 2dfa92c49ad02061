"""`make load`: Locust posts photos of all sizes to a stack of its own (or to --host) and leaves its HTML report."""

import subprocess
import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import Annotated

import typer

from benchmarks import options
from benchmarks.environments import environment
from benchmarks.errors import BenchmarkError
from benchmarks.options import OUT, Photos, RealImages
from benchmarks.photos import Photo, load_photos, size, write_bodies
from benchmarks.stacks import our_stack, virtual_environment
from server.env import ROOT

REPORT = OUT / "load.html"
FAILURES = 1  # locust's exit status when any request failed


def load(
    users: Annotated[int, typer.Option(min=1, help="Clients at once.")] = 8,
    seconds: Annotated[int, typer.Option(min=1, help="How long they post.")] = 60,
    photos: Photos = 40,
    web: Annotated[
        bool, typer.Option("--web", help="Locust's web page on 127.0.0.1:8089 instead; Ctrl-C ends it.")
    ] = False,
    host: Annotated[str, typer.Option(help="A server that runs already, as http://127.0.0.1:8087.")] = "",
    real_images: RealImages = None,
    report: Annotated[Path, typer.Option(help="Locust's HTML report.")] = REPORT,
) -> None:
    """Load a stack and write the report."""
    folder = environment("load")
    chosen = load_photos(real_images, photos)
    report.parent.mkdir(parents=True, exist_ok=True)
    how = ["--web-host", "127.0.0.1"] if web else ["--headless", "--run-time", f"{seconds}s"]
    with ExitStack() as stack:
        work = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="pm-load-")))
        url = host or stack.enter_context(our_stack()).url.removesuffix("/api/v1/get_pm")
        command = [
            *(str(folder / "bin" / "locust"), "--locustfile", "benchmarks/locustfile.py", "--host", url, *how),
            *("--users", str(users), "--spawn-rate", str(users), "--html", str(report), "--only-summary"),
        ]
        variables = virtual_environment(folder) | write_photos(chosen, work)
        done = subprocess.run(command, cwd=ROOT, env=variables, check=False)
    if done.returncode not in (0, FAILURES):
        raise BenchmarkError(f"Locust ended with status {done.returncode}; read what it said above.")
    print(f"wrote {report}")
    if done.returncode:
        raise BenchmarkError("Some requests failed; the report says which and how.")


def write_photos(photos: list[Photo], work: Path) -> dict[str, str]:
    """Bodies and a line's name for each, for locustfile.py. Returns: the variables that say where they are."""
    write_bodies(photos, work / "bodies.txt")
    (work / "names.txt").write_text("".join(f"{size(photo)}\n" for photo in photos), encoding="utf-8")
    return {"LOAD_BODIES": str(work / "bodies.txt"), "LOAD_NAMES": str(work / "names.txt")}


if __name__ == "__main__":
    options.run(load)
