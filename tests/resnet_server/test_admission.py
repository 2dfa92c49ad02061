"""So many work, so many wait, the rest are told at once; and every place comes back."""

import threading
import time

import pytest

from resnet_server.admission import Admission, Turns
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


def test_they_work_in_the_order_in_which_they_came() -> None:
    admission, came = Admission(slots=1, queue_size=20, patience_s=10), []

    def work(number: int) -> None:
        with admission.slot():
            came.append(number)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(20)]
    with admission.slot():
        for number, thread in enumerate(threads):
            thread.start()
            while admission.waiting <= number:
                time.sleep(0.001)
    for thread in threads:
        thread.join(10)
    assert came == [*range(20)]


def test_who_has_just_had_a_turn_is_behind_who_waits() -> None:
    turns, had = Turns(1), threading.Event()

    def wait() -> None:
        turns.take(10)
        had.set()

    turns.take(0)
    waiting = threading.Thread(target=wait)
    waiting.start()
    while not turns._waiting:
        time.sleep(0.001)
    turns.give()
    assert not turns.take(0)  # though the other may not have woken up yet
    assert had.wait(10)
    waiting.join(10)


def test_a_turn_that_nobody_waits_for_any_more_goes_to_the_next() -> None:
    turns = Turns(1)
    assert turns.take(0)
    assert not turns.take(0.01)
    turns.give()
    assert turns.take(0)


def test_no_turn_is_lost_when_it_comes_as_patience_ends() -> None:
    turns, had = Turns(2), []

    def work() -> None:
        for _ in range(300):
            if turns.take(0.0005):
                had.append(1)
                time.sleep(0.0005)
                turns.give()

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert 0 < len(had) < 8 * 300  # some came in time and some did not
    assert turns.take(0)
    assert turns.take(0)
    assert not turns.take(0)
