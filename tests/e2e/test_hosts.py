"""Model servers on other hosts: three network namespaces, one of which is cut off under load."""

import ctypes
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
import requests

from tests.e2e.stack import Load, Stack, copy_checkout, environment, free_ports, running_stack, wait_for

pytestmark = pytest.mark.e2e
CLONE_NEWNET = 0x40000000  # setns(2)
NETWORK = "10.77.0"


def ip(*arguments: str) -> None:
    done = subprocess.run(["ip", *arguments], capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"this machine makes no network namespaces: ip {' '.join(arguments)}: {done.stderr.strip()}")


def name_of(host: int) -> str:
    return f"pm{os.getpid() % 100000}-{host}"


@contextmanager
def network(hosts: int) -> Iterator[None]:
    """So many namespaces with an address each, connected by a switch."""
    if os.geteuid() or not shutil.which("ip", path="/usr/sbin:/sbin:/usr/bin"):
        pytest.skip("network namespaces need root and iproute2")
    switch = name_of(0)
    with ExitStack() as undo:
        ip("link", "add", switch, "type", "bridge")
        undo.callback(subprocess.run, ["ip", "link", "delete", switch], check=False)
        ip("link", "set", switch, "up")
        for host in range(1, hosts + 1):
            name = name_of(host)
            ip("netns", "add", name)
            undo.callback(subprocess.run, ["ip", "netns", "delete", name], check=False)
            ip("link", "add", name, "type", "veth", "peer", "name", "eth0", "netns", name)
            ip("link", "set", name, "master", switch, "up")
            ip("-n", name, "address", "add", f"{NETWORK}.{host}/24", "dev", "eth0")
            ip("-n", name, "link", "set", "eth0", "up")
            ip("-n", name, "link", "set", "lo", "up")
        yield


@dataclass
class HostStack(Stack):
    """A stack in a namespace."""

    host: int = 1

    def run(self, *command: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        return super().run("ip", "netns", "exec", name_of(self.host), *command, check=check)


class LoadOnHost(Load):
    """Clients in a namespace; only their threads enter it."""

    def _work(self, number: int) -> None:
        enter(1)
        super()._work(number)


def enter(host: int) -> None:
    """Put this thread into a namespace."""
    with Path(f"/run/netns/{name_of(host)}").open() as file:
        if ctypes.CDLL(None, use_errno=True).setns(file.fileno(), CLONE_NEWNET):
            raise OSError(ctypes.get_errno(), "setns")


@contextmanager
def model_server(root: Path, host: int) -> Iterator[None]:
    """One model server of a checkout, on another host."""
    servers = f"{NETWORK}.{host}:5005,{NETWORK}.{host}:5006"
    env = environment(free_ports(4)) | {"MODEL_SERVERS": servers, "PM_SLOT": "resnet_server1"}
    command = ["ip", "netns", "exec", name_of(host), "gunicorn", "--config", "resnet_server/gunicorn.conf.py"]
    with (root / "log.txt").open("w") as log:
        process = subprocess.Popen(command, cwd=root, env=env, stdout=log, stderr=log)
    try:
        yield
    finally:
        process.terminate()
        process.wait(90)


def answers(log: Path) -> int:
    """How many pictures a model server has answered."""
    return log.read_text(encoding="utf-8").count('"event": "request"')


def test_a_host_that_is_cut_off_costs_no_request(tmp_path: Path) -> None:
    with ExitStack() as stack:
        stack.enter_context(network(3))
        logs = {}
        for host in (2, 3):
            root = copy_checkout(tmp_path / f"host{host}")
            logs[host] = root / "log.txt"
            stack.enter_context(model_server(root, host))
        root = copy_checkout(tmp_path / "host1")
        env = environment([8087, 8086, 5005, 5006], MODEL_BALANCE="both", CLIENT_RATE_PER_S="0")
        env["MODEL_SERVERS"] += f",{NETWORK}.2:5005,{NETWORK}.3:5005"
        pm = HostStack(root, "http://127.0.0.1:8087", env, {})
        stack.callback(pm.run, "python", "-m", "server.stack", "down", check=False)
        pm.run("python", "-m", "server.stack", "up")
        wait_for(lambda: all('"model ready"' in log.read_text() for log in logs.values()))
        with LoadOnHost(pm, clients=4) as load:
            wait_for(lambda: all(answers(log) >= 3 for log in logs.values()))
            ip("link", "set", name_of(2), "down")
            before = answers(logs[3])
            load.wait_for_answers(40)
            ready = pm.run("curl", "-s", f"{pm.url}/readyz").stdout
            cut_off = answers(logs[2])  # by now its lines about what it answered before are written
            ip("link", "set", name_of(2), "up")
            wait_for(lambda: answers(logs[2]) > cut_off)
            load.wait_for_answers(10)
    assert load.failures == []
    # The second word once the kernel has given the address up.
    assert re.search(rf'"{re.escape(NETWORK)}\.2:5005":"(timed out|unreachable)"', ready)
    assert answers(logs[3]) > before


def test_servers_on_other_addresses_answer_when_those_here_do_not(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    """MODEL_SERVERS is a list: a third entry serves when both of this machine's servers are stopped."""
    third, fourth = free_ports(2)
    elsewhere = f"127.0.0.2:{third},127.0.0.2:{fourth}"
    with running_stack(tmp_path_factory.mktemp("there"), MODEL_SERVERS=elsewhere) as there:
        ports = free_ports(4)
        here_servers = f"127.0.0.1:{ports[2]},127.0.0.1:{ports[3]},127.0.0.2:{third}"
        with running_stack(tmp_path_factory.mktemp("here"), MODEL_SERVERS=here_servers, CLIENT_RATE_PER_S="0") as here:
            with Load(here, clients=2) as load:
                load.wait_for_answers(5)
                here.ctl("stop", "resnet_server1", "resnet_server2")
                load.wait_for_answers(10)
            assert load.failures == []
            checks = requests.get(f"{here.url}/readyz", timeout=10).json()["checks"]
        assert checks[f"127.0.0.2:{third}"].startswith("ready (")
        assert checks[f"127.0.0.1:{ports[2]}"] == "unreachable"
        wait_for(lambda: any(event["event"] == "request" for event in there.log("res1_out.log")))
