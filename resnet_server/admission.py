"""The bounded queue: so many run, so many wait, the rest are told at once; and who runs too long is noticed."""

import threading
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager

from resnet_server.errors import BusyError


class Admission:
    """Lets `slots` requests work and `queue_size` wait, each at most `patience_s` seconds."""

    def __init__(self, slots: int, queue_size: int, patience_s: float) -> None:
        self.queue_size = queue_size
        self._places = Turns(slots + queue_size)
        self._slots = Turns(slots)
        self._patience_s = patience_s
        self._inside: set[int] = set()  # threads that wait or work
        self._working_since: dict[int, float] = {}  # thread → when it got its slot

    @contextmanager
    def slot(self) -> Iterator[float]:
        """Hold a slot for the block; gives the milliseconds that were waited for it.

        Raises: BusyError at once when the queue is full, or when no slot came free in time (nobody waits for an answer
        whose client has given up).
        """
        if not self._places.take(0):
            raise BusyError("Every worker is busy and the queue is full; try again in a second.")
        self._inside.add(threading.get_ident())
        try:
            start = time.perf_counter()
            if not self._slots.take(self._patience_s):
                raise BusyError("No worker came free in time; try again in a second.")
            try:
                self._working_since[threading.get_ident()] = time.monotonic()
                yield round((time.perf_counter() - start) * 1000, 3)
            finally:
                self._working_since.pop(threading.get_ident(), None)
                self._slots.give()
        finally:
            self._inside.discard(threading.get_ident())
            self._places.give()

    def is_alone(self) -> bool:
        """Whether one request is here, and no other works or waits."""
        return len(self._inside) == 1

    @property
    def working(self) -> int:
        """Requests that have a slot now."""
        return len(self._working_since)

    @property
    def waiting(self) -> int:
        """Requests that wait for one."""
        return max(0, len(self._inside) - self.working)

    def longest_s(self) -> float:
        """Seconds that the oldest of the requests that work now has had its slot; 0 when none works."""
        started = list(self._working_since.values())
        return time.monotonic() - min(started) if started else 0.0


class Turns:
    """So many at once, and the others in the order in which they came.

    A semaphore, or a queue of tokens, gives to whoever asks first when one comes free, which is often the thread that
    has just given it back: of eight clients' photos one in a hundred took three times as long as most (docs/adr/0020).
    """

    def __init__(self, number: int) -> None:
        self._free = number
        self._waiting: deque[threading.Lock] = deque()  # each is released when its owner's turn has come
        self._lock = threading.Lock()

    def take(self, patience_s: float) -> bool:
        """Take one, at most `patience_s` seconds later; whether it was had."""
        with self._lock:
            if self._free:  # then nobody waits
                self._free -= 1
                return True
            turn = threading.Lock()
            turn.acquire()
            self._waiting.append(turn)
        if turn.acquire(timeout=patience_s):
            return True
        with self._lock:
            if turn not in self._waiting:  # it came at that very moment
                return True
            self._waiting.remove(turn)
            return False

    def give(self) -> None:
        """Give it to who has waited longest."""
        with self._lock:
            if self._waiting:
                self._waiting.popleft().release()
            else:
                self._free += 1
