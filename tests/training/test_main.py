"""The command line, as a person starts it."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
STEPS = ("cross-validate", "calibrate", "train", "export", "quantise", "package")


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "training", *arguments], cwd=ROOT, capture_output=True, text=True, check=False
    )


def test_help_lists_the_steps_in_the_order_of_the_pipeline() -> None:
    text = run("--help").stdout
    places = [text.index(f" {step} ") for step in STEPS]
    assert places == sorted(places)


@pytest.mark.parametrize("step", STEPS)
def test_every_step_has_help(step: str) -> None:
    answer = run(step, "--help")
    assert answer.returncode == 0
    assert f"python -m training {step}" in answer.stdout


def test_a_mistake_is_answered_with_one_sentence(tmp_path: Path) -> None:
    answer = run("train", str(tmp_path / "absent"), str(tmp_path / "model.pt"))
    assert answer.returncode == 1
    assert answer.stdout == ""
    expected = f"error: {tmp_path}/absent is not a folder; give one with the sub-folders offline and online.\n"
    assert answer.stderr == expected
