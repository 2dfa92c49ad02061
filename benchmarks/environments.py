"""Virtual environments for what must not enter the product's own: one for each requirements/bench-NAME.txt.

What these bring along is pinned in bench-NAME.lock, which `make lock` writes.
"""

import subprocess
import sys
from pathlib import Path

from benchmarks.errors import BenchmarkError
from benchmarks.options import OUT
from server.env import ROOT

ENVIRONMENTS = OUT / "envs"


def environment(name: str) -> Path:
    """The folder of a virtual environment that holds requirements/bench-NAME.txt; made when absent or out of date.

    Raises: BenchmarkError when it cannot be made, with the end of what pip said.
    """
    folder = ENVIRONMENTS / name
    asked, pinned = ROOT / "requirements" / f"bench-{name}.txt", ROOT / "requirements" / f"bench-{name}.lock"
    wanted = pinned.read_text(encoding="utf-8")
    stamp = folder / "installed.txt"
    if stamp.exists() and stamp.read_text(encoding="utf-8") == wanted:
        return folder
    print(f"-- Installing {asked.relative_to(ROOT)} into {folder.relative_to(ROOT)}", flush=True)
    ours = str(Path(sys.executable).resolve())  # the interpreter itself: some are a quarter faster than others
    run(ours, "-m", "venv", "--clear", str(folder))
    python = str(folder / "bin" / "python")
    pip = (python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check")
    run(*pip, "--requirement", str(asked), "--constraint", str(pinned))
    stamp.write_text(wanted, encoding="utf-8")
    return folder


def run(*command: str) -> None:
    """Run one command.

    Raises: BenchmarkError with the end of what it said.
    """
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise BenchmarkError(f"{' '.join(command)} failed: {(done.stderr or done.stdout).strip()[-1000:]}")
