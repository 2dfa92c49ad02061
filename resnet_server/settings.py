"""The model service's settings: one frozen dataclass, read once from the environment (and .env)."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple, cast

import loky
from environs import Env, validate
from environs.exceptions import EnvValidationError

ROOT = Path(__file__).resolve().parent.parent
ENV_FILE = Path(os.environ.get("PM_ENV_FILE", ROOT / ".env"))  # tests name an empty one
DEFAULT_ARTIFACT = ROOT / "resnet_server" / "default_model"
SLOTS = ("resnet_server1", "resnet_server2")
TWO_SERVERS = validate.Regexp(
    r"^\s*[A-Za-z0-9.-]+:[0-9]{1,5}(\s*,\s*[A-Za-z0-9.-]+:[0-9]{1,5})+\s*\Z",
    error="list host:port of resnet_server1 and resnet_server2, separated by a comma.",
)
HANG_MARGIN_S = 5.0
PROVIDERS = ("onnxruntime:cpu", "onnxruntime:cuda", "onnxruntime:tensorrt")  # of ONNX Runtime, one by name
ENGINE_NAMES = ("auto", "openvino", "onnxruntime", *PROVIDERS, "pytorch")


class Setting(NamedTuple):
    """One row of the settings' documentation: .env.example shows each."""

    name: str
    default: str
    help: str


SETTINGS = (
    Setting(
        "MODEL_ARTIFACT", "", "Folder of the model to serve; empty means what was deployed, or else the default model."
    ),
    Setting(
        "MODEL_ENGINE",
        "auto",
        "openvino, onnxruntime[:cpu, :cuda or :tensorrt] or pytorch; auto: openvino for .onnx, pytorch for .pth.",
    ),
    Setting(
        "MODEL_THREADS", "0", "Cores of one model server; 0 means what quota and affinity give (half when both share)."
    ),
    Setting("MODEL_QUEUE_SIZE", "32", "Pictures that may wait in one model server; the next is answered 503 busy."),
    Setting("MODEL_IMAGE_ROOT", "var/media", "The only folder from which image_path may name files."),
)
DEFAULTS = {row.name: row.default for row in SETTINGS}


class SettingsError(Exception):
    """The environment or .env cannot be used; the message has one sentence for each name at fault."""


@dataclass(frozen=True)
class ModelSettings:
    """What one model server needs to know; .env.example describes each name."""

    slot: str
    bind: str
    artifact: Path
    engine: str
    threads: int
    queue_size: int
    read_timeout_s: float
    max_image_bytes: int
    max_image_pixels: int
    image_root: Path
    log_level: str
    pinned: str  # what MODEL_ARTIFACT says, which wins over every pointer

    @property
    def slots(self) -> int:
        """Pictures at work at once: one more than cores, whose bytes are ready when a core is.

        A fourth slot on two cores classified no more photos a second than a third (docs/adr/0009).
        """
        return self.threads + 1

    @property
    def hang_limit_s(self) -> float:
        """Seconds after which a request that still works is taken to hang: its client was told 504 long before."""
        return self.read_timeout_s + HANG_MARGIN_S


def read_settings(env_file: Path = ENV_FILE) -> ModelSettings:
    """Read and check every setting.

    Raises: SettingsError naming all that is wrong at once.
    """
    env = Env(eager=False)
    env.read_env(str(env_file), recurse=False)
    slot = env.str("PM_SLOT", SLOTS[0], validate=validate.OneOf(SLOTS))
    servers = env.str("MODEL_SERVERS", "127.0.0.1:5005,127.0.0.1:5006", validate=TWO_SERVERS)
    balance = env.str("MODEL_BALANCE", "backup", validate=validate.OneOf(["backup", "both"]))
    artifact = env.str("MODEL_ARTIFACT", DEFAULTS["MODEL_ARTIFACT"])
    engine = env.str("MODEL_ENGINE", DEFAULTS["MODEL_ENGINE"], validate=validate.OneOf(ENGINE_NAMES))
    threads = env.int("MODEL_THREADS", int(DEFAULTS["MODEL_THREADS"]), validate=validate.Range(min=0, max=1024))
    queue_size = env.int(
        "MODEL_QUEUE_SIZE", int(DEFAULTS["MODEL_QUEUE_SIZE"]), validate=validate.Range(min=0, max=4096)
    )
    read_timeout_s = env.float("MODEL_READ_TIMEOUT_S", 10.0, validate=validate.Range(min=0.1, max=40))
    max_image_bytes = env.int("MAX_IMAGE_BYTES", 10 * 1024 * 1024, validate=validate.Range(min=1024))
    max_image_pixels = env.int("MAX_IMAGE_PIXELS", 50_000_000, validate=validate.Range(min=1024))
    image_root = env.str("MODEL_IMAGE_ROOT", DEFAULTS["MODEL_IMAGE_ROOT"])
    log_level = env.str("LOG_LEVEL", "INFO", validate=validate.OneOf(["DEBUG", "INFO", "WARNING", "ERROR"]))
    seal(env)
    return ModelSettings(
        slot=slot,
        bind=str(servers).split(",")[SLOTS.index(slot)].strip(),
        artifact=ROOT / artifact if artifact else slot_artifact(slot),
        engine=engine,
        threads=threads or default_threads(balance),
        queue_size=queue_size,
        read_timeout_s=read_timeout_s,
        max_image_bytes=max_image_bytes,
        max_image_pixels=max_image_pixels,
        image_root=(ROOT / image_root).resolve(),
        log_level=log_level,
        pinned=artifact,
    )


_current: ModelSettings | None = None


def current_settings() -> ModelSettings:
    """The process's settings: gunicorn's master reads them, its workers inherit them with the fork.

    So a worker that is started anew serves what the others serve, whatever has changed in .env or among the pointers.
    Raises: SettingsError.
    """
    return _current or use_settings(read_settings())


def use_settings(settings: ModelSettings) -> ModelSettings:
    """Make these the process's settings."""
    global _current
    _current = settings
    return settings


def seal(env: Env) -> None:
    """Report all the wrong names that `env` has met.

    Raises: SettingsError, one sentence a name.
    """
    try:
        env.seal()
    except EnvValidationError as exc:
        wrong = cast("Mapping[str, list[str]]", exc.error_messages)
        problems = " ".join(f"{name}: {texts[0]}" for name, texts in wrong.items())
        raise SettingsError(f"Correct the settings in .env or the environment: {problems}") from exc


def slot_artifact(slot: str) -> Path:
    """The artifact that the slot's pointer names, or the embedded default when nothing was deployed."""
    pointer = ROOT / "var" / "models" / slot
    # A pointer that leads nowhere is an error, not the default model: loading it says what is missing.
    return pointer.resolve() if pointer.is_symlink() or pointer.exists() else DEFAULT_ARTIFACT


def default_threads(balance: str) -> int:
    """Cores for one server: all that quota and affinity give, or half of them when two servers share the load.

    os.cpu_count() would report the host's cores (pytorch/serve #3150); loky reads the cgroup quota and the affinity.
    """
    cores: int = loky.cpu_count()
    return max(1, cores // len(SLOTS)) if balance == "both" else cores
