"""Starts the stacks that are measured, each on free ports with files of its own, beside whatever already runs."""

import atexit
import base64
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import requests

from benchmarks.errors import BenchmarkError
from benchmarks.processes import creation_us
from Pm.images import INCOMING
from server.env import ROOT
from tests.e2e.stack import SAMPLE, free_ports, running_stack

DOCUMENTED = Path(__file__).with_name("documented")
START_LIMIT_S = 180
ANSWER_LIMIT_S = 120
SETTLING_POSTS = 8
COUNTING = ("internal", "model1", "model2")  # whose ports tell numbers
# Without a journal, ext4 passes over every inode that was freed in the last six minutes whenever it wants a new one:
# a photo's file takes 0.01 ms to create, and up to 1 ms after a test run or an earlier benchmark was cleared away.
SLOW_CREATION_US = 100
DISK_LIMIT_S = 420
LOOK_AGAIN_S = 10


@dataclass(frozen=True)
class Server:
    """A server that answers: where it takes photos, the process that started all of it, who tells numbers of it."""

    name: str
    url: str
    pid: int
    metrics: tuple[str, ...] = ()  # URLs, for Prometheus

    def settle(self) -> None:
        """Post some photos one by one: what an earlier run left in the queues is worked off, and all parts are warm.

        Raises: BenchmarkError when one is not answered with 200.
        """
        for _ in range(SETTLING_POSTS):
            status = post_sample(self.url)
            if status != requests.codes.ok:
                raise BenchmarkError(f"{self.name} answers the sample picture with status {status or 'nothing'}.")


def post_sample(url: str) -> int:
    """The status of one post, 0 when nothing answers."""
    body = {"image_id": "12345", "image_base64": str(base64.b64encode(SAMPLE))}
    try:
        with requests.Session() as session:
            session.trust_env = False
            return session.post(url, json=body, timeout=ANSWER_LIMIT_S).status_code
    except requests.RequestException:
        return 0


@contextmanager
def our_stack() -> Iterator[Server]:
    """A copy of this checkout under supervisord with its default settings, but no limit for one client's rate.

    Raises: BenchmarkError when it does not start.
    """
    folder = Path(tempfile.mkdtemp(prefix="pm-bench-"))
    atexit.register(shutil.rmtree, folder)  # not before all is measured: see SLOW_CREATION_US
    try:
        with running_stack(folder, CLIENT_RATE_PER_S="0") as stack:
            wait_for_disk(stack.root / "var" / "media" / INCOMING)
            pid = int((stack.root / "var" / "run" / "supervisord.pid").read_text())
            metrics = tuple(f"http://127.0.0.1:{stack.ports[name]}/metrics" for name in COUNTING)
            yield Server("our stack", f"{stack.url}/api/v1/get_pm", pid, metrics)
    except AssertionError as exc:
        raise BenchmarkError(f"Our stack did not start or did not stop in order: {exc}") from exc


def wait_for_disk(folder: Path) -> None:
    """Wait until files are created in `folder` as quickly as ever, or some minutes have passed."""
    deadline = time.monotonic() + DISK_LIMIT_S
    while (now := creation_us(folder)) > SLOW_CREATION_US and time.monotonic() < deadline:
        words = "much was removed there; waiting for minutes at most"
        print(f"-- creating a file takes {now:.0f} µs in {tempfile.gettempdir()}: {words}", file=sys.stderr)
        time.sleep(LOOK_AGAIN_S)


@contextmanager
def documented_stack(weights: Path) -> Iterator[Server]:
    """The stack as in the documents; `weights` is its ResNet-18's state dictionary.

    Raises: BenchmarkError when it does not start.
    """
    public, internal, model1, model2 = free_ports(4)
    with tempfile.TemporaryDirectory(prefix="documented-bench-") as folder:
        work = Path(folder)
        (work / "image").mkdir()
        names = {
            "user": "user root;" if os.geteuid() == 0 else "",
            "work": folder,
            "checkout": str(ROOT),
            "public_port": str(public),
            "internal_port": str(internal),
            "model1_port": str(model1),
            "model2_port": str(model2),
        }
        for name in ("nginx.conf", "supervisord.conf"):
            (work / name).write_text(filled((DOCUMENTED / name).read_text(encoding="utf-8"), names), encoding="utf-8")
        environment = virtual_environment() | {
            "DOCUMENTED_CHECKOUT": str(ROOT),
            "DOCUMENTED_VENV": sys.prefix,
            "DOCUMENTED_WORK": folder,
            "DOCUMENTED_IMAGES": str(work / "image"),
            "DOCUMENTED_MODEL": str(weights.resolve()),
            "DOCUMENTED_MODEL_URL": f"http://127.0.0.1:{internal}/v1/is_online/",
        }
        command = ["supervisord", "-c", str(work / "supervisord.conf")]
        url = f"http://127.0.0.1:{public}/api/v1/get_pm"
        with started("the documented stack", command, environment, url, work) as server:
            yield server


@contextmanager
def started(name: str, command: list[str], environment: dict[str, str], url: str, work: Path) -> Iterator[Server]:
    """Run a server's command until the block ends; its output goes to `work`.

    Raises: BenchmarkError when it ends by itself, or does not answer a photo in time.
    """
    log = work / "output.log"
    with log.open("w") as output:
        process = subprocess.Popen(
            command, cwd=ROOT, env=environment, stdout=output, stderr=subprocess.STDOUT, start_new_session=True
        )
    try:
        deadline = time.monotonic() + START_LIMIT_S
        while post_sample(url) != requests.codes.ok:
            if process.poll() is not None or time.monotonic() > deadline:
                ends = "\n".join(tail(path) for path in sorted(work.glob("*.log")))
                raise BenchmarkError(f"{name} did not start; its logs end with:\n{ends}")
            time.sleep(0.2)
        yield Server(name, url, process.pid)
    finally:
        stop(process)


def stop(process: subprocess.Popen[bytes]) -> None:
    """Ask it to end, wait, and kill what is left of its session."""
    process.terminate()
    try:
        process.wait(60)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    subprocess.run(["pkill", "-KILL", "--session", str(process.pid)], check=False)


def virtual_environment(folder: Path = Path(sys.prefix)) -> dict[str, str]:
    """The environment in which a virtual environment's programs are found, and Debian's nginx."""
    kept = {name: os.environ[name] for name in ("HOME", "LANG", "USER") if name in os.environ}
    path = os.pathsep.join([str(folder / "bin"), os.environ.get("PATH", os.defpath), "/usr/sbin"])
    return kept | {"PATH": path, "PYTHONUNBUFFERED": "1"}


def filled(text: str, names: dict[str, str]) -> str:
    """{{name}} → its value."""
    for name, value in names.items():
        text = text.replace("{{" + name + "}}", value)
    return text


def tail(path: Path, characters: int = 1000) -> str:
    """The end of a log."""
    return f"{path.name}: {path.read_text(encoding='utf-8', errors='replace')[-characters:]}"
