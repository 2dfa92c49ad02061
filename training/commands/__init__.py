"""The steps as a person calls them: options and what is printed; what they do is in training/ and imported late.

torch and matplotlib take seconds to load, and --help should not wait for them.
"""

from pathlib import Path
from typing import Annotated

import typer

Data = Annotated[Path, typer.Argument(help="Folder with sub-folders offline and online; optionally manifest.csv.")]
Artifact = Annotated[Path, typer.Argument(help="Folder with manifest.json and weights, as train or package write it.")]
Seed = Annotated[int, typer.Option(help="Same seed, data and thread count: same result.")]
Threads = Annotated[int, typer.Option(help="CPU threads; 0 takes the CPU quota.", min=0)]
Cache = Annotated[Path, typer.Option(help="Where decoded pixels are kept between runs (3.4 MB a picture).")]
DEFAULT_CACHE = Path("var/training-cache")


def written(path: Path, next_step: str = "") -> None:
    """Say what a step wrote and what to run next."""
    print(f"wrote {path}")
    if next_step:
        print(f"next: python -m training {next_step}")
