"""What must hold before the stack is started: each check fails with one sentence that says what to do."""

import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from dotenv import dotenv_values

from resnet_server.errors import ArtifactError
from resnet_server.manifest import load_manifest
from resnet_server.settings import SETTINGS as MODEL_SETTINGS
from resnet_server.settings import SettingsError as ModelSettingsError
from resnet_server.settings import read_settings as read_model_settings
from server.env import ENV_FILE, ROOT
from server.env import SETTINGS as GATEWAY_SETTINGS
from server.stack.render import render
from server.stack.settings import SETTINGS as STACK_SETTINGS
from server.stack.settings import StackError, StackSettings, user_name

SOCKET_PATH_LIMIT = 100  # bytes; Linux allows 107 in sockaddr_un, supervisor adds a suffix while it binds
SYSTEM_PATH = os.pathsep.join(
    [str(Path(sys.prefix) / "bin"), os.environ.get("PATH", ""), "/usr/sbin", "/usr/local/sbin"]
)


def check_all(settings: StackSettings) -> None:
    """Run every check.

    Raises: StackError at the first that fails.
    """
    check_settings(settings)
    check_folders()
    check_ports(settings)
    check_nginx(settings)


def check_settings(settings: StackSettings) -> None:
    """Run those checks that can fail also while the stack runs.

    Raises: StackError at the first that fails.
    """
    check_names()
    check_programs()
    check_tls(settings)
    check_model()
    check_queue(settings)


def check_programs() -> None:
    """nginx must be installed; the other programs come with the virtual environment.

    Raises: StackError.
    """
    for program in ("nginx", "uwsgi", "gunicorn", "supervisord"):
        if not shutil.which(program, path=SYSTEM_PATH):
            how = "run apt-get install nginx-light as root" if program == "nginx" else "run make run"
            raise StackError(f"{program} is not installed: {how}.")


def check_code() -> None:
    """The code and packages of both tiers load, in a process of its own.

    Raises: StackError with the reason.
    """
    command = [str(Path(sys.prefix) / "bin" / "python"), "-c", "import server.wsgi, server.urls, resnet_server.app"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        why = (done.stderr.strip().splitlines() or ["it said nothing"])[-1]
        raise StackError(f"The code that lies here does not load ({why}): nothing was changed.")


def check_model() -> None:
    """The model service's settings are valid and the artifact is whole; loading it is the servers' own affair.

    Raises: StackError.
    """
    try:
        load_manifest(read_model_settings().artifact)
    except (ModelSettingsError, ArtifactError) as exc:
        raise StackError(str(exc)) from exc


def check_folders() -> None:
    """var/ and log/ must be writable, and the path short enough for supervisor's socket.

    Raises: StackError.
    """
    for folder in (ROOT / "var", ROOT / "var" / "run", ROOT / "log"):
        try:
            folder.mkdir(parents=True, exist_ok=True)
            probe = folder / f".probe{os.getpid()}"
            probe.touch()
            probe.unlink()
            folder.chmod(0o700)  # records, pictures and keys are nobody else's, whatever made them
        except OSError as exc:
            raise StackError(
                f"{folder} cannot be written by {user_name()} ({exc.strerror}): change its owner."
            ) from exc
    if "%" in str(ROOT):
        raise StackError(f"{ROOT} has a % in it, which supervisor expands: move the checkout to a path without one.")
    supervisor_socket = ROOT / "var" / "run" / "supervisor.sock"
    if len(os.fsencode(supervisor_socket)) > SOCKET_PATH_LIMIT:
        raise StackError(f"{ROOT} is too long a path for supervisor's socket: move the checkout to a shorter one.")


def check_ports(settings: StackSettings) -> None:
    """Every port that the stack will listen on must be free.

    Raises: StackError naming the port and its setting.
    """
    for setting, host, port in local_ports(settings):
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        with socket.socket(family, socket.SOCK_STREAM) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((host, port))
            except OSError as exc:
                raise StackError(
                    f"{host}:{port} cannot be listened on ({exc.strerror}): stop the program that uses it, "
                    f"or change {setting} in .env."
                ) from exc


def local_ports(settings: StackSettings) -> Iterator[tuple[str, str, int]]:
    """Setting, host and port of every listener: nginx's two and the two model servers' of this machine."""
    yield "PUBLIC_PORT", settings.gateway.bind_address, settings.gateway.public_port
    yield "INTERNAL_PORT", "127.0.0.1", settings.gateway.internal_port
    for address in settings.gateway.model_servers[:2]:
        host, _, port = address.rpartition(":")
        yield "MODEL_SERVERS", host, int(port)


def check_queue(settings: StackSettings) -> None:
    """uwsgi refuses a longer queue than the kernel gives.

    Raises: StackError.
    """
    limit = int(Path("/proc/sys/net/core/somaxconn").read_text())
    if settings.gateway_queue_size > limit:
        raise StackError(f"GATEWAY_QUEUE_SIZE is above this kernel's net.core.somaxconn: set {limit} or less in .env.")


def check_tls(settings: StackSettings) -> None:
    """Certificate and key come together and can be read.

    Raises: StackError.
    """
    if bool(settings.tls_certificate) != bool(settings.tls_key):
        raise StackError("TLS_CERTIFICATE and TLS_KEY go together: set both in .env, or neither.")
    if settings.tls_certificate and not settings.gateway.public_https:
        raise StackError("TLS_CERTIFICATE needs PUBLIC_HTTPS=true in .env, so that cookies travel by HTTPS only.")
    for name in filter(None, (settings.tls_certificate, settings.tls_key)):
        if not os.access(Path(ROOT / name), os.R_OK):
            raise StackError(f"{name} cannot be read: correct TLS_CERTIFICATE and TLS_KEY in .env.")


def check_nginx(settings: StackSettings) -> None:
    """nginx accepts what is rendered for it, certificate and key included.

    Raises: StackError with nginx's own words.
    """
    render(settings)
    nginx = shutil.which("nginx", path=SYSTEM_PATH) or "nginx"
    command = [nginx, "-t", "-q", "-p", ".", "-c", "conf/nginx/nginx.conf", "-e", "stderr"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        words = done.stderr.strip().splitlines()[0].split(": ", 1)[-1]
        raise StackError(f"nginx refuses its configuration: {words}: correct what it names in .env.")


def check_names() -> None:
    """Every name in .env is a setting: a misspelt one would leave its default in force.

    Raises: StackError.
    """
    known = {row.name for table in (GATEWAY_SETTINGS, STACK_SETTINGS, MODEL_SETTINGS) for row in table}
    unknown = sorted(set(dotenv_values(ENV_FILE)) - known) if ENV_FILE.is_file() else []
    if unknown:
        raise StackError(f"{unknown[0]} in .env is no setting: .env.example lists them all.")
