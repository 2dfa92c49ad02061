import os
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.errors import BenchmarkError
from benchmarks.processes import cpu_ms, family, field_mb, memory, pin


def test_a_family_holds_children_and_their_children() -> None:
    code = "import subprocess, sys; subprocess.run([sys.executable, '-c', 'print(1, flush=True); input()'])"
    with subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout
        process.stdout.readline()
        found = family(process.pid)
        assert len(found) == 2
        assert found[0] == process.pid
        assert set(found) < set(family(os.getpid()))
        process.communicate(b"\n")


def test_memory_is_summed_over_a_process_and_its_children() -> None:
    held = "import sys; held = b'1' * 50_000_000; print(1, flush=True); input()"
    alone = memory(os.getpid())
    assert 0 < alone.pss_mb <= alone.rss_mb
    with subprocess.Popen([sys.executable, "-c", held], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout
        process.stdout.readline()
        assert memory(os.getpid()).rss_mb >= alone.rss_mb + 50
        process.communicate(b"\n")


def test_a_child_that_ends_between_two_looks_is_not_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    with subprocess.Popen(["true"]) as process:
        process.wait()
    looks = iter([[os.getpid(), process.pid], [os.getpid()]])
    monkeypatch.setattr("benchmarks.processes.family", lambda _pid: next(looks))
    assert memory(os.getpid()).rss_mb > 0


def test_a_process_that_has_ended_is_an_error() -> None:
    with subprocess.Popen(["true"]) as process:
        process.wait()
    with pytest.raises(BenchmarkError, match="cannot be read"):
        memory(process.pid)


def test_work_is_summed_by_program_and_what_has_ended_is_left_out() -> None:
    mine = Path("/proc/self/comm").read_text().strip()
    with subprocess.Popen(["true"]) as ended:
        ended.wait()
    before = cpu_ms([os.getpid(), ended.pid])
    while (after := cpu_ms([os.getpid()]))[mine] < before[mine] + 50:
        pass
    assert set(before) == set(after) == {mine}
    assert cpu_ms([os.getpid(), os.getpid()])[mine] == pytest.approx(2 * after[mine], rel=0.2)


def test_the_work_of_a_child_that_has_ended_is_its_parents() -> None:
    mine = Path("/proc/self/comm").read_text().strip()
    before = cpu_ms([os.getpid()])[mine]
    work = "import time\nwhile time.process_time() < 0.5: pass"
    subprocess.run([sys.executable, "-c", work], check=True)
    assert cpu_ms([os.getpid()])[mine] >= before + 450


def test_smaps_counts_in_kib() -> None:
    assert field_mb("Rss:  5 kB\nPss:           1000 kB\nPss_Dirty: 7 kB\n", "Pss") == 1.024


def test_more_cores_than_there_are_is_an_error() -> None:
    with pytest.raises(BenchmarkError, match="run with --cores"):
        pin(100_000)
