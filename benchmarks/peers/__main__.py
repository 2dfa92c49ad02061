"""`make bench-peers`: our stack beside the usual model servers, all with our artifact and engine."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import loky
import typer
from rich.table import Table

from benchmarks import options, report
from benchmarks.book import Book, clients_name, p50_name, rate_name
from benchmarks.environments import environment
from benchmarks.errors import BenchmarkError
from benchmarks.options import OUT, Cores, Out, Photos, RealImages, Rounds, Seconds
from benchmarks.photos import load_photos, sizes, write_bodies
from benchmarks.processes import others_are_busy, pin
from benchmarks.rows import STACK, Row, ratio, unjudged
from benchmarks.stacks import Server, our_stack, started, virtual_environment
from benchmarks.wrk import post
from server.env import ROOT
from tests.e2e.stack import free_ports

CLIENTS = (1, 8)
TARGET = 1.1
# Who reads the pictures (benchmarks/peers/classify.py) → how the table says so.
DECODERS = {"pillow": "as usually written, with Pillow", "pm": "with Pm's own decoder inside"}
# Peer → the command that serves, as its documents have it.
PEERS = {
    "fastapi": ["python", "-m", "benchmarks.peers.fastapi_server"],
    "litserve": ["python", "-m", "benchmarks.peers.litserve_server"],
    "bentoml": ["bentoml", "serve", "benchmarks.peers.bentoml_server:Photos", "--host", "127.0.0.1"],
    "mosec": ["python", "-m", "benchmarks.peers.mosec_server"],
    "ray": ["python", "-m", "benchmarks.peers.ray_server"],
}


@dataclass(frozen=True)
class SetUp:
    """A peer, who reads its pictures, and how it shares the cores: workers × threads of the engine in each."""

    peer: str
    workers: int
    threads: int
    decoder: str

    def __str__(self) -> str:
        return f"{self.peer}, {self.decoder}, {self.workers} × {self.threads}"


def set_ups(peers: list[str], cores: int) -> list[SetUp]:
    """Each peer with one model on every core, and with a model for each core: its better one counts, for each load."""
    shares = dict.fromkeys([(1, cores), (cores, 1)])
    return [SetUp(peer, *share, decoder) for decoder in DECODERS for peer in peers for share in shares]


@contextmanager
def serving(each: SetUp, folder: Path) -> Iterator[Server]:
    """The peer's server in its own environment.

    Raises: BenchmarkError when it cannot be installed or does not start.
    """
    (port,) = free_ports(1)
    with tempfile.TemporaryDirectory(prefix="peer-") as work:
        variables = virtual_environment(folder) | {
            "PYTHONPATH": str(ROOT),
            "PEER_PORT": str(port),
            "PEER_WORKERS": str(each.workers),
            "PEER_THREADS": str(each.threads),
            "PEER_DECODER": each.decoder,
            "PEER_WORK": work,
            "MOSEC_PORT": str(port),
            "MOSEC_ADDRESS": "127.0.0.1",
            "MOSEC_TIMEOUT": "60000",
            "BENTOML_PORT": str(port),
            "BENTOML_DO_NOT_TRACK": "True",
            "RAY_USAGE_STATS_ENABLED": "0",
        }
        command = [str(folder / "bin" / PEERS[each.peer][0]), *PEERS[each.peer][1:]]
        url = f"http://127.0.0.1:{port}/api/v1/get_pm"
        with started(str(each), command, variables, url, Path(work)) as server:
            yield server


def compare(book: Book, ours: Server, each: SetUp, bodies: Path, rounds: int, seconds: int) -> None:
    """Our stack and one peer by turns."""
    with serving(each, environment(each.peer)) as peer:
        sides = [(beside(each), ours), (str(each), peer)]
        for number in range(rounds):
            for clients in CLIENTS:
                for name, server in sides if number % 2 == 0 else reversed(sides):  # nobody is always first
                    server.settle()
                    book.add_load(name, post(server.url, bodies, clients, seconds))


def beside(each: SetUp) -> str:
    """Our stack while it took turns with one peer: only these two were measured in the same minutes."""
    return f"{STACK} beside {each}"


def rows(book: Book, measured: list[SetUp]) -> list[Row]:
    """Our stack against the peer that comes nearest to it or passes it by most, for each decoder and load."""
    found = []
    for decoder, words in DECODERS.items():
        alike = [each for each in measured if each.decoder == decoder]
        for clients in CLIENTS if alike else ():
            what = f"stack ÷ best peer {words}, {clients_name('', clients).removeprefix(', ')}"
            held = [
                ratio(
                    book,
                    what,
                    rate_name(beside(each), clients),
                    rate_name(str(each), clients),
                    TARGET,
                    note=f"the best: {each}",
                )
                for each in alike
            ]
            found.append(min(held, key=lambda row: row.value))
    return found


def overview(book: Book, measured: list[SetUp]) -> Table:
    """Every set-up's numbers, and ours of the same minutes."""
    titles = [f"{clients}: {quantity}" for clients in CLIENTS for quantity in ("photos/s", "p50", "ours", "ours p50")]
    grid = Table("peer, decoder, workers × threads", *titles, title="for 1 and 8 clients")
    for each in measured:
        cells = []
        for clients in CLIENTS:
            for name in (str(each), beside(each)):
                p50 = book[p50_name(clients_name(name, clients))]
                cells += [f"{book[rate_name(name, clients)]:.1f}", f"{p50:.1f} ms"]
        grid.add_row(str(each), *cells)
    return grid


def bench_peers(
    peers: Annotated[list[str] | None, typer.Argument(help=f"Some of {', '.join(PEERS)}; else all.")] = None,
    rounds: Rounds = 3,
    seconds: Seconds = 10,
    photos: Photos = 40,
    cores: Cores = 2,
    real_images: RealImages = None,
    out: Out = OUT,
) -> None:
    """Measure every peer beside our stack."""
    chosen_peers = peers or list(PEERS)
    if unknown := sorted(set(chosen_peers) - set(PEERS)):
        raise BenchmarkError(f"{unknown[0]} is none of {', '.join(PEERS)}.")
    console = options.console()
    pin(cores)
    busy = others_are_busy()
    facts = report.machine()
    chosen = load_photos(real_images, photos)
    out.mkdir(parents=True, exist_ok=True)
    book, measured, failed = Book(), [], []
    with tempfile.TemporaryDirectory(prefix="pm-bench-work-") as folder, our_stack() as ours:
        bodies = Path(folder) / "bodies.txt"
        write_bodies(chosen, bodies)
        for each in set_ups(chosen_peers, loky.cpu_count()):
            console.print(f"-- {each} (decoder, workers × threads)", highlight=False)
            try:
                compare(book, ours, each, bodies, rounds, seconds)
                measured.append(each)
            except BenchmarkError as exc:
                failed.append(f"{each} was not measured: {exc}")
                report.say(console, failed[-1])
    if not measured:
        raise BenchmarkError("No peer could be measured.")
    found = rows(book, measured)
    facts |= {"photos": sizes(chosen), "real_photos": real_images is not None, "not_measured": failed}
    facts |= {"machine_was_busy": busy or others_are_busy()}
    if facts["machine_was_busy"]:
        found = unjudged(found)
    report.write_json(out / "bench-peers.json", facts, found, book)
    console.print(overview(book, measured))
    console.print(report.table(found))
    for sentence in [*report.remarks(facts), *failed]:
        report.say(console, sentence)
    report.say(console, f"wrote {out / 'bench-peers.json'}")


if __name__ == "__main__":
    options.run(bench_peers)
