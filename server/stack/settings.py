"""The stack's own settings (process counts, limits, TLS) beside the gateway's: read once from the environment."""

import os
import pwd
from dataclasses import dataclass
from ipaddress import ip_address, ip_network
from pathlib import Path

import loky

from server.env import ENV_FILE, GatewaySettings, gateway_settings
from server.env import SETTINGS as GATEWAY_SETTINGS
from server.env_fields import Fields, Setting, SettingsError

SETTINGS = (
    Setting(
        "MODEL_BALANCE", "backup", "backup: the second model server serves when the first fails; both: they share."
    ),
    Setting("GATEWAY_PROCESSES", "0", "uwsgi's processes; 0 means one a core (quota, affinity), 16 at most."),
    Setting("GATEWAY_THREADS", "16", "Requests that one uwsgi process works on at once."),
    Setting("GATEWAY_QUEUE_SIZE", "32", "Requests that may wait for a uwsgi thread; the next is answered 503 busy."),
    Setting("CLIENT_RATE_PER_S", "200", "Requests a second from one address, then 429 throttled; 0 is no limit."),
    Setting(
        "METRICS_ALLOW",
        "",
        "Addresses or networks, such as 10.0.0.5,10.1.0.0/16, that may read /metrics at PUBLIC_PORT.",
    ),
    Setting("TLS_CERTIFICATE", "", "PEM file of the public port's certificate chain; empty means plain HTTP."),
    Setting("TLS_KEY", "", "PEM file of its private key."),
)
# Each keeps up to 4 connections to PostgreSQL, whose default limit is 100 (server/database.py).
MAX_DEFAULT_PROCESSES = 16


class StackError(Exception):
    """The stack cannot be started or stopped; the message is one sentence that says what to do."""


@dataclass(frozen=True)
class StackSettings:
    """What nginx, uwsgi and the start-up checks need; SETTINGS describes each name that is not the gateway's."""

    gateway: GatewaySettings
    model_balance: str
    gateway_processes: int
    gateway_threads: int
    gateway_queue_size: int
    client_rate_per_s: int
    metrics_allow: tuple[str, ...]
    tls_certificate: str
    tls_key: str

    @property
    def is_loopback(self) -> bool:
        """Whether only this machine can reach the public port."""
        return ip_address(self.gateway.bind_address).is_loopback

    @property
    def public_url(self) -> str:
        """The service's address as seen from this machine."""
        bound = self.gateway.bind_address
        loopback = "::1" if ":" in bound else "127.0.0.1"
        host = loopback if ip_address(bound).is_unspecified else bound
        scheme = "https" if self.tls_certificate else "http"
        return f"{scheme}://{f'[{host}]' if ':' in host else host}:{self.gateway.public_port}"


def read_settings(env_file: Path = ENV_FILE) -> StackSettings:
    """Read and check every setting of the gateway and the stack.

    Raises: StackError naming all that is wrong at once.
    """
    try:
        fields = Fields((*GATEWAY_SETTINGS, *SETTINGS), env_file)
        values = StackSettings(
            gateway=gateway_settings(fields),
            model_balance=fields.choice("MODEL_BALANCE", ("backup", "both")),
            gateway_processes=fields.whole("GATEWAY_PROCESSES", 0, 256) or min(loky.cpu_count(), MAX_DEFAULT_PROCESSES),
            gateway_threads=fields.whole("GATEWAY_THREADS", 1, 256),
            gateway_queue_size=fields.whole("GATEWAY_QUEUE_SIZE", 1, 4096),
            client_rate_per_s=fields.whole("CLIENT_RATE_PER_S", 0, 100_000),
            metrics_allow=fields.items("METRICS_ALLOW", _is_network, "addresses or networks"),
            tls_certificate=fields.text("TLS_CERTIFICATE"),
            tls_key=fields.text("TLS_KEY"),
        )
        fields.report()
    except SettingsError as exc:
        raise StackError(str(exc)) from exc
    return values


def _is_network(text: str) -> bool:
    try:
        ip_network(text)
    except ValueError:
        return False
    return True


def user_name() -> str:
    """The user who runs the stack."""
    return pwd.getpwuid(os.geteuid()).pw_name
