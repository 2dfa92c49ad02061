"""Processes that live, die and follow one another tell one sum, in as many files as live at once."""

import subprocess
import sys
from pathlib import Path

import pytest

import process_metrics

COUNT = """
import os, signal, sys
from pathlib import Path
from prometheus_client import Counter, Gauge
import process_metrics
process_metrics.join(Path(sys.argv[1]), int(sys.argv[2]))
counter = Counter("seen", "Seen.", ["what"], registry=process_metrics.INSTRUMENTS)
gauge = Gauge("inside", "Inside.", multiprocess_mode="livesum", registry=process_metrics.INSTRUMENTS)
gauge.set(0)
for _ in range(int(sys.argv[3])):
    counter.labels("a").inc()
gauge.inc()
print(process_metrics.exposition().decode(), flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""


def count(folder: Path, number: int, times: int) -> list[str]:
    """What a process that has counted so often tells, before it is killed."""
    command = [sys.executable, "-c", COUNT, str(folder), str(number), str(times)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == -9, done.stderr
    return sorted(line for line in done.stdout.splitlines() if line and not line.startswith(("#", "seen_created")))


def test_each_process_tells_the_sum_and_a_killed_ones_number_goes_on(tmp_path: Path) -> None:
    assert count(tmp_path, 1, 3) == ["inside 1.0", 'seen_total{what="a"} 3.0']
    assert count(tmp_path, 2, 4) == ["inside 2.0", 'seen_total{what="a"} 7.0']
    assert count(tmp_path, 1, 5) == ["inside 2.0", 'seen_total{what="a"} 12.0']
    assert len(list(tmp_path.iterdir())) == 2 * len(process_metrics.KINDS)


def test_a_new_start_counts_from_zero(tmp_path: Path) -> None:
    count(tmp_path, 1, 3)
    process_metrics.clear(tmp_path)
    assert count(tmp_path, 2, 1) == ["inside 1.0", 'seen_total{what="a"} 1.0']


def test_where_files_cannot_be_made_a_process_tells_its_own_numbers(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    assert count(tmp_path / "file", 1, 2) == ["inside 1.0", 'seen_total{what="a"} 2.0']


@pytest.mark.parametrize(("taken", "free"), [(set(), 0), ({0}, 1), ({1}, 0), ({0, 1}, 2), ({0, 2}, 1)])
def test_the_smallest_number_that_is_free_is_taken(taken: set[int], free: int) -> None:
    assert process_metrics.free_number(taken) == free
