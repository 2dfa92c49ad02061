"""What no answer waits for is done soon, once and in turn, with the time of what it tells, and when a process ends."""

import json
import logging
import subprocess
import sys
import time
from functools import partial

import pytest

import afterwards

PROGRAM = """
import logging, sys, threading, time
import afterwards

afterwards.PAUSE_S = float(sys.argv[1])
logging.basicConfig(level=logging.INFO, stream=sys.stdout, format="%(created)f %(message)s %(threadName)s %(path)s")
afterwards.start()
before = time.time()
for number in range(3):
    afterwards.log(logging.getLogger("access"), "request", {"path": f"/{number}"})
print(f"{before} {time.time()} answered", flush=True)
"""


def run(program: str, pause_s: float) -> list[list[str]]:
    """The words of each line that it prints, its own last."""
    command = [sys.executable, "-c", program, str(pause_s)]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    return sorted((line.split() for line in ended.stdout.splitlines()), key=lambda words: words[-1] == "answered")


def test_lines_come_after_the_answer_in_turn_with_the_time_of_what_they_tell() -> None:
    *lines, answered = run(PROGRAM + "while afterwards._waiting: time.sleep(0.01)", pause_s=0.1)
    assert [line[1:] for line in lines] == [["request", "afterwards", f"/{number}"] for number in range(3)]
    times = [float(answered[0]), *(float(line[0]) for line in lines), float(answered[1])]
    assert times == sorted(times)


def test_a_process_that_ends_does_what_waits() -> None:
    *lines, _ = run(PROGRAM, pause_s=3600)
    assert [line[1:] for line in lines] == [["request", "MainThread", f"/{number}"] for number in range(3)]


def test_nothing_waits_where_nobody_collects() -> None:
    done: list[int] = []
    afterwards.do(lambda: done.append(1))
    assert done == [1]


def test_what_fails_is_told_and_the_rest_is_done(caplog: pytest.LogCaptureFixture) -> None:
    done: list[int] = []

    def fail_and_add() -> None:
        afterwards.do(lambda: done.append(1))
        raise ValueError("a bug")

    afterwards.do(fail_and_add)
    assert done == [1]
    assert "what an answer did not wait for failed" in caplog.text
    assert "ValueError: a bug" in caplog.text


def test_a_line_has_the_loggers_name_its_level_and_what_it_is_given(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    before = time.time()
    afterwards.log(logging.getLogger("some.name"), "request", {"status": 200})
    (record,) = caplog.records
    assert (record.name, record.levelname, record.getMessage()) == ("some.name", "INFO", "request")
    assert json.dumps(vars(record)["status"]) == "200"
    assert before <= record.created <= time.time()


def test_a_level_that_is_not_logged_writes_nothing(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING)
    afterwards.log(logging.getLogger("some.name"), "request", {})
    assert caplog.records == []


def test_what_waits_is_done_at_once_when_too_much_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(afterwards, "_is_collecting", True)
    monkeypatch.setattr(afterwards, "MOST_WAITING", 3)
    done: list[int] = []
    for number in range(4):
        assert done == []
        afterwards.do(partial(done.append, number))
    assert done == [0, 1, 2, 3]
