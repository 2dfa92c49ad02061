"""The gateway's settings: one frozen dataclass, read once from the environment (and .env)."""

import math
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from ipaddress import ip_address
from pathlib import Path
from zoneinfo import ZoneInfo

import dj_database_url
from environs import ValidationError

from server.env_fields import Fields, Setting, SettingsError

__all__ = [
    "DEFAULTS",
    "ENV_FILE",
    "HEALTH_HOST",
    "ROOT",
    "SETTINGS",
    "GatewaySettings",
    "Setting",
    "SettingsError",
    "gateway_settings",
    "read_settings",
]

ROOT = Path(__file__).resolve().parent.parent
ENV_FILE = Path(os.environ.get("PM_ENV_FILE", ROOT / ".env"))  # tests name an empty one
# nginx asks for the health pages under this name: balancers ask by address, which is in nobody's ALLOWED_HOSTS.
HEALTH_HOST = "health.pm.internal"
METRICS_FOLDER = ROOT / "var" / "run" / "metrics" / "main_server"
BASE64_LINE = 76  # digits between two line breaks (RFC 2045, 6.8)
LINE_BREAK_BYTES = 6  # the longest form: str() of bytes with \r\n in them, whose backslashes JSON doubles
BODY_SLACK_BYTES = 64 * 1024  # for image_id, the JSON around the picture and fields that we do not know
LOG_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR")
DATABASE_ENGINES = ("django.db.backends.sqlite3", "django.db.backends.postgresql")
MIN_SECRET_KEY_CHARACTERS = 50  # Django's own limit (security.W009)
_SERVER = re.compile(r"([A-Za-z0-9.-]+):([0-9]{1,5})")
_HOST_NAME = re.compile(r"[A-Za-z0-9.*:\[\]_-]+")
_ORIGIN = re.compile(r"https?://[^/\s,]+")

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
    Setting("MAX_IMAGE_PIXELS", "50000000", "Pixels of the largest picture that is decoded; more is answered 413."),
    Setting("DATABASE_URL", "", "postgresql://user:password@host/name, or empty for SQLite in var/db.sqlite3."),
    Setting(
        "MODEL_VERSIONS_KEPT", "5", "Model versions, at least 2, that stay in var/models for activating them again."
    ),
    Setting(
        "MODEL_CHECK_LIMIT_S", "600", "Seconds that the off-line check of a model may take, its canary set included."
    ),
    Setting("KEEP_IMAGES", "true", "Whether classified pictures are kept under var/media."),
    Setting("SAMPLE_PERCENT", "2", "Percent of the answered requests, drawn at random, that people label."),
    Setting("SECOND_LABEL_PERCENT", "10", "Percent of the photos to label that two people label, for their agreement."),
    Setting("PHOTOS_SERVED_BY", "nginx", "Who sends photos to signed-in staff: nginx, or django where none runs."),
    Setting(
        "REPORT_TIME_ZONE",
        "Asia/Shanghai",
        "Where the report's days begin and end, and what captured_at without a zone means; run manage.py "
        "fill_report_fields --all after changing it.",
    ),
    Setting("ALLOWED_HOSTS", "localhost,127.0.0.1,[::1]", "Host names that clients may use; others are answered 400."),
    Setting("CORS_ALLOWED_ORIGINS", "", "Origins of web pages that may call the API, such as https://app.example.org."),
    Setting("CSRF_TRUSTED_ORIGINS", "", "Origins from which the admin's forms may be sent when a proxy renames it."),
    Setting("REQUIRE_API_KEY", "", "Whether clients must send an API key; empty means: only beyond loopback."),
    Setting(
        "PUBLIC_HTTPS",
        "false",
        "Whether clients come by HTTPS, to TLS_CERTIFICATE or to a proxy in front: secure cookies, HSTS, redirects.",
    ),
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
    max_image_pixels: int
    database_url: str
    model_versions_kept: int
    model_check_limit_s: float
    keep_images: bool
    sample_percent: float
    second_label_percent: float
    photos_served_by: str
    report_time_zone: ZoneInfo
    allowed_hosts: tuple[str, ...]
    cors_allowed_origins: tuple[str, ...]
    csrf_trusted_origins: tuple[str, ...]
    require_api_key: bool
    public_https: bool
    secret_key: str
    debug: bool
    log_level: str
    var_dir: Path = ROOT / "var"

    @cached_property
    def model_urls(self) -> tuple[str, ...]:
        """Where a picture can be classified: the balancer, then each server for when the balancer is restarting."""
        return tuple(f"http://{host}" for host in (f"127.0.0.1:{self.internal_port}", *self.model_servers))

    @cached_property
    def max_body_bytes(self) -> int:
        """Bytes of the largest request body: the largest picture in the longest form of base64, and some slack."""
        digits = math.ceil(self.max_image_bytes / 3) * 4
        return digits + math.ceil(digits / BASE64_LINE) * LINE_BREAK_BYTES + BODY_SLACK_BYTES

    @cached_property
    def media_root(self) -> Path:
        """The folder of kept pictures."""
        return self.var_dir / "media"

    @cached_property
    def models_root(self) -> Path:
        """The folder of model versions and of the pointers to them."""
        return self.var_dir / "models"


def read_settings(env_file: Path = ENV_FILE) -> GatewaySettings:
    """Read and check every setting; the process's environment wins over the file.

    Raises: SettingsError naming all that is wrong at once.
    """
    fields = Fields(SETTINGS, env_file)
    settings = gateway_settings(fields)
    fields.report()
    return settings


def gateway_settings(fields: Fields) -> GatewaySettings:
    """The gateway's settings out of `fields`, whose table holds SETTINGS; what is wrong is kept for its report."""
    bind_address = fields.text("BIND_ADDRESS", _check_address)
    keys = fields.choice("REQUIRE_API_KEY", ("true", "false", ""))
    settings = GatewaySettings(
        public_port=fields.whole("PUBLIC_PORT", 1, 65535),
        internal_port=fields.whole("INTERNAL_PORT", 1, 65535),
        bind_address=bind_address,
        model_servers=fields.items("MODEL_SERVERS", _is_server, "host:port of two servers or more", at_least=2),
        model_read_timeout_s=fields.number("MODEL_READ_TIMEOUT_S", 0.1, 40),
        max_image_bytes=fields.whole("MAX_IMAGE_BYTES", 1024, 1024**3),
        max_image_pixels=fields.whole("MAX_IMAGE_PIXELS", 1024, 10**9),
        database_url=fields.text("DATABASE_URL", _check_database_url),
        model_versions_kept=fields.whole("MODEL_VERSIONS_KEPT", 2, 1000),
        model_check_limit_s=fields.number("MODEL_CHECK_LIMIT_S", 1, 86400),
        keep_images=fields.flag("KEEP_IMAGES"),
        sample_percent=fields.number("SAMPLE_PERCENT", 0, 100),
        second_label_percent=fields.number("SECOND_LABEL_PERCENT", 0, 100),
        photos_served_by=fields.choice("PHOTOS_SERVED_BY", ("nginx", "django")),
        report_time_zone=ZoneInfo(fields.text("REPORT_TIME_ZONE", _check_time_zone)),
        allowed_hosts=fields.items("ALLOWED_HOSTS", _HOST_NAME.fullmatch, "a host name", at_least=1),
        cors_allowed_origins=fields.items("CORS_ALLOWED_ORIGINS", _ORIGIN.fullmatch, "https://host"),
        csrf_trusted_origins=fields.items("CSRF_TRUSTED_ORIGINS", _ORIGIN.fullmatch, "https://host"),
        require_api_key=keys == "true" or (keys == "" and not ip_address(bind_address).is_loopback),
        public_https=fields.flag("PUBLIC_HTTPS"),
        secret_key=fields.text("SECRET_KEY", _check_secret_key),
        debug=fields.flag("DEBUG"),
        log_level=fields.choice("LOG_LEVEL", LOG_LEVELS),
    )
    fields.problems += _disagreements(settings)
    return settings


def _disagreements(settings: GatewaySettings) -> Iterator[str]:
    """Settings that are right alone and wrong together, a sentence each."""
    if not ip_address(settings.bind_address).is_loopback:
        if not settings.require_api_key:
            yield "REQUIRE_API_KEY must not be false while BIND_ADDRESS is open beyond this machine."
        if settings.debug:
            yield "DEBUG must not be true while BIND_ADDRESS is open beyond this machine."
    used: dict[int, str] = {}
    for name, port in _local_ports(settings):
        if port in used:
            yield f"{used[port]} and {name} must not both use port {port}."
        used[port] = name


def _local_ports(settings: GatewaySettings) -> Iterator[tuple[str, int]]:
    yield "PUBLIC_PORT", settings.public_port
    yield "INTERNAL_PORT", settings.internal_port
    for server in settings.model_servers:
        host, _, port = server.rpartition(":")
        if host in ("localhost", "0.0.0.0", settings.bind_address) or host.startswith("127."):  # noqa: S104 - compared
            yield "MODEL_SERVERS", int(port)


def _is_server(text: str) -> bool:
    match = _SERVER.fullmatch(text)
    return match is not None and 1 <= int(match[2]) <= 65535


def _check_address(text: str) -> None:
    try:
        ip_address(text)
    except ValueError as exc:
        raise ValidationError("must be an IP address, such as 127.0.0.1 or 0.0.0.0") from exc


def _check_time_zone(text: str) -> None:
    try:
        ZoneInfo(text or DEFAULTS["REPORT_TIME_ZONE"])
    except (KeyError, ValueError, OSError) as exc:  # no such name; a path, or a folder of names
        raise ValidationError("must be the name of a time zone, such as Asia/Shanghai") from exc


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
