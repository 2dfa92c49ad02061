"""The table: each row has both sides, what comes of them, and the target that it is held against."""

import statistics
from dataclasses import dataclass, replace

from benchmarks.book import Book, clients_name, mean_name, p50_name, rate_name, work_name

DOCUMENTED_LOOP, OUR_LOOP, FULL_LOOP = "documented, in process", "ours, in process", "ours, in process on all cores"
PILLOW_ONE, PILLOW_LOOP = "with Pillow, in process", "with Pillow, in process on all cores"
STACK, DOCUMENTED_STACK = "our stack", "documented stack"  # by turns
ALONE = "our stack alone"  # a fresh one with nothing beside it
PATIENT, IMPATIENT = "our stack alone, 64 patient clients", "our stack alone, 64 impatient clients"
PSS, RSS_FIRST, RSS_LAST = "our stack: PSS", "our stack: RSS after a tenth", "our stack: RSS at the end"
ACCURACY = "accuracy"
NOBODY = "no core (idle)"
FULL_REQUESTS = 10_000
CLIENT_COUNTS = (1, 2, 4, 8, 16, 32, 64)
PATIENCE_MS = 5000  # a client that gives up then meets no timeout


@dataclass(frozen=True)
class Row:
    """One line: value is compared with target; `judged` is false where this run cannot say.

    Where two sides took turns, both are medians of all rounds, and `value` is the median of what each round says.
    """

    what: str
    first: float
    second: float | None
    unit: str
    value: float
    target: float
    at_least: bool = True
    judged: bool = True
    note: str = ""

    @property
    def met(self) -> bool | None:
        """Whether the target is met; None where this run cannot say."""
        if not self.judged:
            return None
        return self.value >= self.target if self.at_least else self.value <= self.target


def ratio(book: Book, what: str, first: str, second: str, target: float, *, note: str = "") -> Row:
    """A row whose value is first ÷ second in a round, and should be at least so much."""
    value = statistics.median(a / b for a, b in book.rounds(first, second))
    return Row(what, book[first], book[second], book.series[first].unit, value, target, note=note)


def rows(book: Book, requests: int) -> list[Row]:
    """Every row of the table for what one call has measured."""
    accuracy = accuracy_rows(book)
    note = "" if accuracy else "the same accuracy is not shown: it takes documented weights"
    found = [
        ratio(
            book, "decode + inference, documented ÷ ours", mean_name(DOCUMENTED_LOOP), mean_name(OUR_LOOP), 7, note=note
        ),
        *accuracy,
        ratio(book, "stack at 8 clients ÷ loop with Pillow", rate_name(STACK, 8), rate_name(PILLOW_LOOP), 0.85),
        ratio(book, "stack at 8 clients ÷ loop with Pm's decoder", rate_name(STACK, 8), rate_name(FULL_LOOP), 0.85),
        p50_row(book, "with Pillow", PILLOW_ONE),
        p50_row(book, "with Pm's decoder", OUR_LOOP),
        ratio(book, "stack ÷ documented stack, 1 client", rate_name(STACK, 1), rate_name(DOCUMENTED_STACK, 1), 6),
        ratio(book, "stack ÷ documented stack, 8 clients", rate_name(STACK, 8), rate_name(DOCUMENTED_STACK, 8), 20),
    ]
    return found + overload_rows(book) + memory_rows(book, requests)


def p50_row(book: Book, decoder: str, subject: str) -> Row:
    """What the stack's p50 at one client has more than a loop's, in a round."""
    first, second = p50_name(clients_name(STACK, 1)), p50_name(subject)
    value = statistics.median(a - b for a, b in book.rounds(first, second))
    what = f"p50: stack at 1 client − in process {decoder}"
    return Row(what, book[first], book[second], "ms", value, 4, at_least=False)


def accuracy_rows(book: Book) -> list[Row]:
    """Mean accuracy over both labels in points, ours − documented: only with labelled photos and real weights."""
    ours, documented = f"{OUR_LOOP}: {ACCURACY}", f"{DOCUMENTED_LOOP}: {ACCURACY}"
    if ours not in book or documented not in book:
        return []
    a, b = book[ours], book[documented]
    return [Row("mean accuracy, ours − documented", a, b, "points", a - b, -0.5)]


def overload_rows(book: Book) -> list[Row]:
    """64 clients, those that wait a second after a 503 and those that do not.

    The peak is the best of the medians: of a round's six runs the best would be the luckiest. So is the value ÷ that.
    """
    peak = max(book[rate_name(ALONE, clients)] for clients in CLIENT_COUNTS[:-1])
    found = []
    for name in (PATIENT, IMPATIENT):
        per_s, share = book[rate_name(name)], book[f"{name}: share of 503"] * 100
        kind = name.split()[-2]
        found += [
            Row(
                f"throughput at 64 {kind} clients ÷ peak",
                per_s,
                max(peak, per_s),
                "photos/s",
                per_s / max(peak, per_s),
                0.9,
                note=f"{share:.1f} % of the answers were 503",
            ),
            limit(
                book,
                f"slowest 503 at 64 {kind} clients",
                f"{name}: slowest 503",
                1000,
                note="" if book.worst(f"{name}: slowest 503") else "nobody was told 503",
            ),
            limit(book, f"longest wait at 64 {kind} clients", f"{name}: longest wait", PATIENCE_MS),
        ]
    return found


def memory_rows(book: Book, requests: int) -> list[Row]:
    """The whole stack's memory, and whether it grows."""
    a, b = book[RSS_LAST], book[RSS_FIRST]
    is_full = requests >= FULL_REQUESTS
    growth = Row(
        f"RSS after {requests:,} requests ÷ after {requests // 10:,}",
        *(a, b, "MB", a / b, 1.05),
        at_least=False,
        judged=is_full,
        note="" if is_full else f"the target is for {FULL_REQUESTS:,}: run with --long",
    )
    return [limit(book, "memory of the whole stack (PSS)", PSS, 700), growth]


def limit(book: Book, what: str, name: str, most: float, note: str = "") -> Row:
    """A row with one side, which should be at most so much in every round."""
    value = book.worst(name)
    return Row(what, value, None, book.series[name].unit, value, most, at_least=False, note=note)


def unjudged(found: list[Row]) -> list[Row]:
    """The same numbers without a verdict: what was measured beside other programs proves nothing either way."""
    return [replace(row, judged=False) for row in found]


def where_it_goes(book: Book, subject: str) -> dict[str, float]:
    """Program → milliseconds that it works for one photo, the most first; what takes next to nothing is left out."""
    start = work_name(subject, "")
    found = {name.removeprefix(start): book[name] for name in book.series if name.startswith(start)}
    return dict(sorted(((name, ms) for name, ms in found.items() if ms >= 0.05), key=lambda each: -each[1]))
