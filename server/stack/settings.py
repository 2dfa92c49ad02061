"""The stack's own settings (process counts, limits, TLS) beside the gateway's: read once from the environment."""

import os
import pwd
from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path
from typing import cast

import loky
from environs import Env, validate
from environs.exceptions import EnvValidationError

from server.env import ENV_FILE, GatewaySettings, Setting, SettingsError
from server.env import read_settings as read_gateway_settings

SETTINGS = (
    Setting(
        "MODEL_BALANCE", "backup", "backup: the second model server serves when the first fails; both: they share."
    ),
    Setting("GATEWAY_PROCESSES", "0", "uwsgi's processes; 0 means one for each core that quota and affinity give."),
    Setting("GATEWAY_THREADS", "16", "Requests that one uwsgi process works on at once."),
    Setting("MAX_CONCURRENT_REQUESTS", "64", "Requests inside at once, 1 to 128; the next is answered 503 busy."),
    Setting("CLIENT_RATE_PER_S", "200", "Requests a second from one address, then 429 throttled; 0 is no limit."),
    Setting("TLS_CERTIFICATE", "", "PEM file of the public port's certificate chain; empty means plain HTTP."),
    Setting("TLS_KEY", "", "PEM file of its private key."),
)
DEFAULTS = {row.name: row.default for row in SETTINGS}


class StackError(Exception):
    """The stack cannot be started or stopped; the message is one sentence that says what to do."""


@dataclass(frozen=True)
class StackSettings:
    """What nginx, uwsgi and the start-up checks need; SETTINGS describes each name that is not the gateway's."""

    gateway: GatewaySettings
    model_balance: str
    gateway_processes: int
    gateway_threads: int
    max_concurrent_requests: int
    client_rate_per_s: int
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
        host = "127.0.0.1" if ip_address(bound).is_unspecified else bound
        scheme = "https" if self.tls_certificate else "http"
        return f"{scheme}://{f'[{host}]' if ':' in host else host}:{self.gateway.public_port}"


def read_settings(env_file: Path = ENV_FILE) -> StackSettings:
    """Read and check every setting.

    Raises: StackError naming what is wrong.
    """
    try:
        gateway = read_gateway_settings(env_file)
    except SettingsError as exc:
        raise StackError(str(exc)) from exc
    env = Env(eager=False)
    values = StackSettings(
        gateway=gateway,
        model_balance=env.str("MODEL_BALANCE", "backup", validate=validate.OneOf(["backup", "both"])),
        gateway_processes=whole(env, "GATEWAY_PROCESSES", 0, 256) or loky.cpu_count(),
        gateway_threads=whole(env, "GATEWAY_THREADS", 1, 256),
        max_concurrent_requests=whole(env, "MAX_CONCURRENT_REQUESTS", 1, 128),
        client_rate_per_s=whole(env, "CLIENT_RATE_PER_S", 0, 100_000),
        tls_certificate=env.str("TLS_CERTIFICATE", ""),
        tls_key=env.str("TLS_KEY", ""),
    )
    try:
        env.seal()
    except EnvValidationError as exc:
        wrong = cast("Mapping[str, list[str]]", exc.error_messages)
        problems = " ".join(f"{name} {texts[0]}" for name, texts in wrong.items())
        raise StackError(f"Correct the settings in .env or the environment: {problems}") from exc
    return values


def whole(env: Env, name: str, low: int, high: int) -> int:
    """A whole number within bounds; what is wrong is reported when `env` is sealed."""
    within = validate.Range(min=low, max=high, error=f"must be a whole number from {low} to {high}.")
    return env.int(name, int(DEFAULTS[name]), validate=within)


def user_name() -> str:
    """The user who runs the stack."""
    return pwd.getpwuid(os.geteuid()).pw_name
