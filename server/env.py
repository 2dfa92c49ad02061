"""The gateway's settings: one frozen dataclass, read once from the environment (and .env)."""

import ipaddress
import math
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import dj_database_url
from environs import Env, ValidationError
from environs.exceptions import EnvValidationError
from marshmallow.validate import OneOf, Regexp

ROOT = Path(__file__).resolve().parent.parent
ENV_FILE = Path(os.environ.get("PM_ENV_FILE", ROOT / ".env"))  # tests name an empty one
BODY_SLACK_BYTES = 64 * 1024  # for image_id, the JSON around the picture, line breaks every 76 characters of small ones
FLAGS = ("true", "false")
LOG_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR")
DATABASE_ENGINES = ("django.db.backends.sqlite3", "django.db.backends.postgresql")
MIN_SECRET_KEY_CHARACTERS = 50  # Django's own limit (security.W009)

Check = Callable[[str], Any]  # raises marshmallow's ValidationError


class SettingsError(Exception):
    """The environment or .env cannot be used; the message has one sentence for each name at fault."""


class Setting(NamedTuple):
    """One row of the settings' documentation: .env.example shows each."""

    name: str
    default: str
    help: str


SETTINGS = (
    Setting("PUBLIC_PORT", "8087", "The port that clients post to (nginx)."),
    Setting("INTERNAL_PORT", "8086", "The loopback port at which nginx balances the model servers."),
    Setting("BIND_ADDRESS", "127.0.0.1", "The address that nginx listens at; beyond loopback, API keys are required."),
    Setting("MODEL_SERVERS", "127.0.0.1:5005,127.0.0.1:5006", "host:port of each model server, the primary first."),
    Setting(
        "MODEL_READ_TIMEOUT_S",
        "10",
        "Seconds, at most 40, that one picture may take in the model service, retries included.",
    ),
    Setting("MAX_IMAGE_BYTES", "10485760", "Bytes of the largest picture taken; more is answered 413."),
    Setting("DATABASE_URL", "", "postgresql://user:password@host/name, or empty for SQLite in var/db.sqlite3."),
    Setting("KEEP_IMAGES", "true", "Whether classified pictures are kept under var/media."),
    Setting("ALLOWED_HOSTS", "localhost,127.0.0.1,[::1]", "Host names that clients may use; others are answered 400."),
    Setting("CORS_ALLOWED_ORIGINS", "", "Origins of web pages that may call the API, such as https://app.example.org."),
    Setting("CSRF_TRUSTED_ORIGINS", "", "Origins from which the admin's forms may be sent when a proxy renames it."),
    Setting("REQUIRE_API_KEY", "", "Whether clients must send an API key; empty means: only beyond loopback."),
    Setting("PUBLIC_HTTPS", "false", "Whether clients come by HTTPS: secure cookies, HSTS, redirects."),
    Setting("SECRET_KEY", "", "Signs the admin's sessions; empty means var/secret_key, made at first start."),
    Setting("DEBUG", "false", "Django's debug pages, for development only."),
    Setting("LOG_LEVEL", "INFO", "DEBUG, INFO, WARNING or ERROR."),
)
DEFAULTS = {row.name: row.default for row in SETTINGS}


@dataclass(frozen=True)
class GatewaySettings:
    """What the gateway needs to know; SETTINGS describes each name."""

    public_port: int
    internal_port: int
    bind_address: str
    model_servers: tuple[str, ...]
    model_read_timeout_s: float
    max_image_bytes: int
    database_url: str
    keep_images: bool
    allowed_hosts: tuple[str, ...]
    cors_allowed_origins: tuple[str, ...]
    csrf_trusted_origins: tuple[str, ...]
    require_api_key: bool
    public_https: bool
    secret_key: str
    debug: bool
    log_level: str
    var_dir: Path = ROOT / "var"

    @property
    def model_urls(self) -> tuple[str, ...]:
        """Where a picture can be classified: the balancer, then each server for when the balancer is restarting."""
        return tuple(f"http://{host}" for host in (f"127.0.0.1:{self.internal_port}", *self.model_servers))

    @property
    def max_body_bytes(self) -> int:
        """Bytes of the largest request body: the largest picture in base64, and some slack."""
        return math.ceil(self.max_image_bytes * 4 / 3) + BODY_SLACK_BYTES

    @property
    def media_root(self) -> Path:
        """The folder of kept pictures."""
        return self.var_dir / "media"


def read_settings(env_file: Path = ENV_FILE) -> GatewaySettings:
    """Read and check every setting; the process's environment wins over the file.

    Raises: SettingsError naming all that is wrong at once.
    """
    env = Env(eager=False)
    try:
        env.read_env(str(env_file), recurse=False)
    except (OSError, ValueError) as exc:
        raise SettingsError(f"{env_file} cannot be read as a text file of NAME=value lines: {exc}.") from exc
    bind_address = _text(env, "BIND_ADDRESS", _check_address)
    is_loopback = ipaddress.ip_address(bind_address).is_loopback
    keys = _text(env, "REQUIRE_API_KEY", OneOf(("", "true", "false"), error="must be true, false or empty"))
    settings = GatewaySettings(
        public_port=_whole(env, "PUBLIC_PORT", 1, 65535),
        internal_port=_whole(env, "INTERNAL_PORT", 1, 65535),
        bind_address=bind_address,
        model_servers=_items(env, "MODEL_SERVERS", r"[A-Za-z0-9.-]+:[0-9]{1,5}", "host:port", at_least=1),
        model_read_timeout_s=_number(env, "MODEL_READ_TIMEOUT_S", float, 0.1, 40),
        max_image_bytes=_whole(env, "MAX_IMAGE_BYTES", 1024, 1024**3),
        database_url=_text(env, "DATABASE_URL", _check_database_url),
        keep_images=_flag(env, "KEEP_IMAGES"),
        allowed_hosts=_items(env, "ALLOWED_HOSTS", r"[A-Za-z0-9.*:\[\]_-]+", "a host name", at_least=1),
        cors_allowed_origins=_items(env, "CORS_ALLOWED_ORIGINS", r"https?://[^/\s,]+", "https://host"),
        csrf_trusted_origins=_items(env, "CSRF_TRUSTED_ORIGINS", r"https?://[^/\s,]+", "https://host"),
        require_api_key=keys == "true" or (keys == "" and not is_loopback),
        public_https=_flag(env, "PUBLIC_HTTPS"),
        secret_key=_text(env, "SECRET_KEY", _check_secret_key),
        debug=_flag(env, "DEBUG"),
        log_level=_text(env, "LOG_LEVEL", OneOf(LOG_LEVELS, error="must be DEBUG, INFO, WARNING or ERROR")),
    )
    _report(env, open_to_all=keys == "false" and not is_loopback)
    return settings


def _report(env: Env, *, open_to_all: bool) -> None:
    problems = []
    try:
        env.seal()
    except EnvValidationError as exc:
        messages = exc.error_messages if isinstance(exc.error_messages, Mapping) else {}
        problems = [f"{name} {texts[0]}." for name, texts in messages.items()]
    if open_to_all:
        problems.append("REQUIRE_API_KEY must not be false while BIND_ADDRESS is open beyond this machine.")
    if problems:
        raise SettingsError("Correct the settings in .env or the environment: " + " ".join(problems))


def _text(env: Env, name: str, check: Check) -> str:
    """The text of a setting; its default where `check` refuses it, which `env` keeps in mind."""
    return env.str(name, DEFAULTS[name], validate=check) or DEFAULTS[name]


def _number(env: Env, name: str, kind: type[int] | type[float], low: float, high: float) -> float:
    def check(text: str) -> None:
        try:
            if low <= kind(text) <= high:
                return
        except ValueError:
            pass
        raise ValidationError(f"must be a {'whole ' if kind is int else ''}number from {low} to {high}")

    return kind(_text(env, name, check))


def _whole(env: Env, name: str, low: int, high: int) -> int:
    return int(_number(env, name, int, low, high))


def _flag(env: Env, name: str) -> bool:
    return _text(env, name, OneOf(FLAGS, error="must be true or false")) == "true"


def _items(env: Env, name: str, pattern: str, what: str, *, at_least: int = 0) -> tuple[str, ...]:
    item = rf"\s*{pattern}\s*"
    whole = rf"{item}(,{item})*\Z" if at_least else rf"({item}(,{item})*)?\Z"
    text = _text(env, name, Regexp(whole, error=f"must list {what}, separated by commas"))
    return tuple(part.strip() for part in text.split(",") if part.strip())


def _check_address(text: str) -> None:
    try:
        ipaddress.ip_address(text)
    except ValueError as exc:
        raise ValidationError("must be an IP address, such as 127.0.0.1 or 0.0.0.0") from exc


def _check_secret_key(text: str) -> None:
    if text and len(text) < MIN_SECRET_KEY_CHARACTERS:
        raise ValidationError(f"must have at least {MIN_SECRET_KEY_CHARACTERS} characters, or be empty")


def _check_database_url(text: str) -> None:
    try:
        engine = dj_database_url.parse(text)["ENGINE"] if text else DATABASE_ENGINES[0]
    except (ValueError, KeyError) as exc:
        raise ValidationError("must be a postgresql:// or sqlite:/// address") from exc
    if engine not in DATABASE_ENGINES:
        raise ValidationError("must be a postgresql:// or sqlite:/// address")
