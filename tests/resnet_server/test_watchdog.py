"""A request that hangs ends its worker; one that is merely slow does not."""

import subprocess
import sys
import threading

from resnet_server.admission import Admission
from resnet_server.watchdog import HUNG, watch

ENDS = """
import afterwards
from resnet_server.watchdog import end_process

afterwards.PAUSE_S = 3600
afterwards.start()
afterwards.do(lambda: print("the line of an answer", flush=True))
end_process()
"""


def test_nothing_works_in_an_idle_server() -> None:
    admission = Admission(slots=1, queue_size=0, patience_s=1)
    assert admission.longest_s() == 0
    with admission.slot():
        assert admission.longest_s() >= 0
    assert admission.longest_s() == 0


def test_a_request_that_hangs_ends_the_worker() -> None:
    admission = Admission(slots=2, queue_size=0, patience_s=1)
    ended = threading.Event()
    with admission.slot():
        watcher = threading.Thread(target=watch, args=(admission, 0.01, ended.set))
        watcher.start()
        assert ended.wait(30)
    watcher.join(30)
    assert not watcher.is_alive()


def test_waiting_requests_and_finished_ones_are_no_hang() -> None:
    admission = Admission(slots=1, queue_size=1, patience_s=0.01)
    ended = threading.Event()
    watcher = threading.Thread(target=watch, args=(admission, 3600, ended.set), daemon=True)
    watcher.start()
    for _ in range(100):
        with admission.slot():
            pass
    assert not ended.is_set()
    assert watcher.is_alive()


def test_a_worker_that_ends_itself_writes_the_lines_of_its_answers() -> None:
    ended = subprocess.run([sys.executable, "-c", ENDS], capture_output=True, text=True, timeout=60, check=False)
    assert (ended.returncode, ended.stdout) == (HUNG, "the line of an answer\n")
