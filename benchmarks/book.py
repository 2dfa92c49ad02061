"""The numbers of one call: each a series with a value a round, its unit and the command that made it."""

import statistics
from dataclasses import dataclass, field

from benchmarks.wrk import Load

PERCENTILES = ("p50", "p95", "p99")


@dataclass
class Series:
    """One quantity, measured several times."""

    unit: str
    command: str
    values: list[float] = field(default_factory=list)

    @property
    def median(self) -> float:
        """What is reported: one disturbed round does not move it."""
        return statistics.median(self.values)


class Book:
    """Name ("stack at 8 clients, photos a second") → series."""

    def __init__(self) -> None:
        self.series: dict[str, Series] = {}

    def add(self, name: str, value: float, unit: str, command: str) -> None:
        """One more value of a quantity."""
        self.series.setdefault(name, Series(unit, command)).values.append(value)

    def add_load(self, server: str, load: Load) -> None:
        """What a run of wrk says of a server, under "SERVER, N clients: …"."""
        name = clients_name(server, load.clients)
        self.add(rate_name(name), load.per_s, "photos/s", load.command)
        for percentile in PERCENTILES:
            self.add(f"{name}: {percentile}", load.latency_ms[percentile], "ms", load.command)
        self.add(f"{name}: cores that wrk took", load.client_cpu_s / load.seconds, "cores", load.command)

    def rounds(self, first: str, second: str) -> list[tuple[float, float]]:
        """What each round has of both: measured within a minute or two, while over a call the machine drifts more."""
        return list(zip(self.series[first].values, self.series[second].values, strict=True))

    def worst(self, name: str) -> float:
        """The most that any round had."""
        return max(self.series[name].values)

    def __getitem__(self, name: str) -> float:
        return self.series[name].median

    def __contains__(self, name: str) -> bool:
        return name in self.series

    def document(self) -> dict[str, object]:
        """For bench.json."""
        return {
            name: {"median": each.median, "unit": each.unit, "values": each.values, "command": each.command}
            for name, each in self.series.items()
        }


def clients_name(server: str, clients: int) -> str:
    """The subject of a server's numbers."""
    return f"{server}, {clients} {'client' if clients == 1 else 'clients'}"


def rate_name(subject: str, clients: int | None = None) -> str:
    """The series of a loop's photos a second, or of a server's with so many clients."""
    return f"{subject if clients is None else clients_name(subject, clients)}: photos a second"


def mean_name(subject: str) -> str:
    """The series of a loop's mean milliseconds."""
    return f"{subject}: mean"


def p50_name(subject: str) -> str:
    """The series of a loop's or a load's median milliseconds."""
    return f"{subject}: p50"


def part_name(subject: str, part: str) -> str:
    """The series of the mean milliseconds that a photo spends in one part of its way (benchmarks/stages.py)."""
    return f"{subject}: time in {part}"


def work_name(subject: str, program: str) -> str:
    """The series of the milliseconds that a program works for one photo."""
    return f"{subject}: work of {program}"
