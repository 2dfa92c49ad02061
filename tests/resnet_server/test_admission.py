"""So many work, so many wait, the rest are told at once; and every place comes back."""

import threading
import time

import pytest

from resnet_server.admission import Admission
from resnet_server.errors import BusyError


def hold(admission: Admission, entered: threading.Event, release: threading.Event) -> threading.Thread:
    def work() -> None:
        with admission.slot():
            entered.set()
            release.wait(10)

    thread = threading.Thread(target=work)
    thread.start()
    return thread


def test_a_full_queue_refuses_at_once_and_a_freed_place_admits_again() -> None:
    admission = Admission(slots=1, queue_size=1, patience_s=10)
    entered, release, second_entered = threading.Event(), threading.Event(), threading.Event()
    first = hold(admission, entered, release)
    assert entered.wait(5)
    second = hold(admission, second_entered, release)
    while not admission.waiting:
        time.sleep(0.001)
    with pytest.raises(BusyError, match="the queue is full"), admission.slot():
        pytest.fail("admitted beyond the limit")
    release.set()
    first.join(5)
    second.join(5)
    with admission.slot() as waited_ms:
        assert waited_ms < 1000


def test_who_waits_longer_than_its_patience_is_refused_and_gives_its_place_back() -> None:
    admission = Admission(slots=1, queue_size=1, patience_s=0.01)
    entered, release = threading.Event(), threading.Event()
    first = hold(admission, entered, release)
    assert entered.wait(5)
    for _ in range(3):
        with pytest.raises(BusyError, match="No worker came free in time"), admission.slot():
            pytest.fail("admitted while the slot is held")
    release.set()
    first.join(5)


def test_an_error_inside_gives_the_slot_back() -> None:
    admission = Admission(slots=1, queue_size=0, patience_s=1)
    for _ in range(3):
        with pytest.raises(ValueError, match="inside"), admission.slot():
            raise ValueError("inside")


def test_a_request_is_alone_until_another_waits() -> None:
    admission = Admission(slots=1, queue_size=1, patience_s=10)
    entered, release = threading.Event(), threading.Event()
    with admission.slot():
        assert admission.is_alone()
        second = hold(admission, entered, release)
        while not admission.waiting:
            time.sleep(0.001)
        assert not admission.is_alone()
    assert entered.wait(5)
    assert admission.is_alone()
    release.set()
    second.join(5)
