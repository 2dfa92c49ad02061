"""What must hold before the stack is started: each check fails with one sentence that says what to do."""

import os
import shutil
import socket
from collections.abc import Iterator
from pathlib import Path

from resnet_server.errors import ArtifactError
from resnet_server.manifest import load_manifest
from resnet_server.settings import SettingsError as ModelSettingsError
from resnet_server.settings import read_settings as read_model_settings
from server.env import ROOT
from server.stack.settings import StackError, StackSettings, user_name

SOCKET_PATH_LIMIT = 100  # bytes; Linux allows 107 in sockaddr_un, supervisor adds a suffix while it binds
SYSTEM_PATH = os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin", "/usr/local/sbin"])


def check_all(settings: StackSettings) -> None:
    """Run every check.

    Raises: StackError at the first that fails.
    """
    check_programs()
    check_tls(settings)
    check_model()
    check_folders()
    check_ports(settings)


def check_programs() -> None:
    """nginx must be installed; the other programs come with the virtual environment.

    Raises: StackError.
    """
    for program in ("nginx", "uwsgi", "gunicorn", "supervisord"):
        if not shutil.which(program, path=SYSTEM_PATH):
            how = "run apt-get install nginx-light as root" if program == "nginx" else "run make run"
            raise StackError(f"{program} is not installed: {how}.")


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
        except OSError as exc:
            raise StackError(
                f"{folder} cannot be written by {user_name()} ({exc.strerror}): change its owner."
            ) from exc
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


def check_tls(settings: StackSettings) -> None:
    """Certificate and key come together and can be read.

    Raises: StackError.
    """
    if bool(settings.tls_certificate) != bool(settings.tls_key):
        raise StackError("TLS_CERTIFICATE and TLS_KEY go together: set both in .env, or neither.")
    for name in filter(None, (settings.tls_certificate, settings.tls_key)):
        if not os.access(Path(ROOT / name), os.R_OK):
            raise StackError(f"{name} cannot be read: correct TLS_CERTIFICATE and TLS_KEY in .env.")
