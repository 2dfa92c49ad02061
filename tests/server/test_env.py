"""Settings: safe by default, all problems told at once, every one documented."""

import base64
import dataclasses
import json
from pathlib import Path

import pytest

from server.env import GatewaySettings, SettingsError, read_settings

pytestmark = pytest.mark.usefixtures("clean_environ")


def write(tmp_path: Path, text: str) -> Path:
    path = tmp_path / ".env"
    path.write_text(text, encoding="utf-8")
    return path


def test_defaults_are_safe(tmp_path: Path) -> None:
    settings = read_settings(tmp_path / ".env")
    assert (settings.bind_address, settings.public_port, settings.internal_port) == ("127.0.0.1", 8087, 8086)
    assert (settings.debug, settings.require_api_key, settings.public_https) == (False, False, False)
    assert settings.allowed_hosts == ("localhost", "127.0.0.1", "[::1]")
    assert (settings.cors_allowed_origins, settings.secret_key) == ((), "")
    assert (settings.keep_images, settings.max_image_bytes, settings.model_read_timeout_s) == (True, 10485760, 10.0)
    assert settings.model_urls == ("http://127.0.0.1:8086", "http://127.0.0.1:5005", "http://127.0.0.1:5006")
    assert settings.report_time_zone.key == "Asia/Shanghai"


@pytest.mark.parametrize("name", ["Mars/Olympus", "../etc/passwd", "Asia", "/etc/localtime", "北京"])
def test_a_time_zone_that_is_none_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(SettingsError, match="REPORT_TIME_ZONE must be the name of a time zone, such as Asia/Shanghai"):
        read_settings(write(tmp_path, f"REPORT_TIME_ZONE={name}\n"))


def test_file_is_read_and_the_environment_wins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write(tmp_path, "PUBLIC_PORT=9001\nINTERNAL_PORT=9002\nMODEL_SERVERS='a:1, b:2'\n")
    monkeypatch.setenv("INTERNAL_PORT", "9003")
    settings = read_settings(path)
    assert (settings.public_port, settings.internal_port, settings.model_servers) == (9001, 9003, ("a:1", "b:2"))


def test_all_problems_are_told_at_once_in_sentences(tmp_path: Path) -> None:
    path = write(
        tmp_path,
        "PUBLIC_PORT=0\nMODEL_SERVERS=five\nMODEL_READ_TIMEOUT_S=nan\nDEBUG=maybe\nDATABASE_URL=mysql://x\n"
        "SECRET_KEY=short\nCORS_ALLOWED_ORIGINS=*\nLOG_LEVEL=loud\nALLOWED_HOSTS=\nREQUIRE_API_KEY=perhaps\n",
    )
    with pytest.raises(SettingsError) as caught:
        read_settings(path)
    text = str(caught.value).removeprefix("Correct the settings in .env or the environment: ")
    assert set(text.rstrip(".").split(". ")) == {
        "PUBLIC_PORT must be a whole number from 1 to 65535",
        "MODEL_SERVERS must list host:port of two servers or more, separated by commas",
        "MODEL_READ_TIMEOUT_S must be a number from 0.1 to 40",
        "DEBUG must be true or false",
        "DATABASE_URL must be a postgresql:// or sqlite:/// address",
        "SECRET_KEY must have at least 50 characters, or be empty",
        "CORS_ALLOWED_ORIGINS must list https://host, separated by commas",
        "LOG_LEVEL must be DEBUG, INFO, WARNING or ERROR",
        "ALLOWED_HOSTS must list a host name, separated by commas",
        "REQUIRE_API_KEY must be true, false or empty",
    }


@pytest.mark.parametrize(("address", "required"), [("127.0.0.1", False), ("::1", False), ("0.0.0.0", True)])  # noqa: S104
def test_keys_are_required_beyond_loopback(tmp_path: Path, address: str, required: bool) -> None:
    assert read_settings(write(tmp_path, f"BIND_ADDRESS={address}")).require_api_key is required


def test_debug_pages_are_shown_to_this_machine_only(tmp_path: Path) -> None:
    assert read_settings(write(tmp_path, "DEBUG=true")).debug is True
    with pytest.raises(SettingsError, match="DEBUG must not be true while BIND_ADDRESS is open beyond this machine"):
        read_settings(write(tmp_path, "DEBUG=true\nBIND_ADDRESS=0.0.0.0"))


@pytest.mark.parametrize(
    "server",
    ["a:0,b:1", "a:65536,b:1", "a:99999,b:1", "a,b:1", ":5005,b:1", "a:b,b:1", "a:1", "a:1,", ",", "a:1,,b:2", ""],
)
def test_model_servers_are_hosts_with_ports(tmp_path: Path, server: str) -> None:
    with pytest.raises(
        SettingsError, match=r"MODEL_SERVERS must list host:port of two servers or more, separated by commas\."
    ):
        read_settings(write(tmp_path, f"MODEL_SERVERS={server}"))


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("PUBLIC_PORT=8086", "PUBLIC_PORT and INTERNAL_PORT must not both use port 8086."),
        ("MODEL_SERVERS=localhost:8087,b:1", "PUBLIC_PORT and MODEL_SERVERS must not both use port 8087."),
        ("MODEL_SERVERS=127.0.0.1:1,127.0.0.1:1", "MODEL_SERVERS and MODEL_SERVERS must not both use port 1."),
        ("BIND_ADDRESS=10.0.0.1\nMODEL_SERVERS=10.0.0.1:8087,b:1", "PUBLIC_PORT and MODEL_SERVERS must not both use"),
    ],
)
def test_one_port_has_one_listener(tmp_path: Path, text: str, problem: str) -> None:
    with pytest.raises(SettingsError, match=problem):
        read_settings(write(tmp_path, text))


def test_servers_elsewhere_may_have_the_same_port(tmp_path: Path) -> None:
    assert read_settings(write(tmp_path, "MODEL_SERVERS=a:8087,b:8087")).model_servers == ("a:8087", "b:8087")


@pytest.mark.parametrize(
    ("text", "line"),
    [("PUBLIC_PORT 9000", 1), ("# a\n\n\nDEBUG\n", 4), ("DEBUG=false\nSECRET_KEY='half\n", 2), ("=1", 1)],
)
def test_line_that_is_no_setting_is_told_by_its_number(
    tmp_path: Path, text: str, line: int, caplog: pytest.LogCaptureFixture
) -> None:
    with pytest.raises(SettingsError, match=rf"environment: Line {line} of \.env must be NAME=value\.$"):
        read_settings(write(tmp_path, text))
    assert caplog.text == ""  # python-dotenv would warn


def test_comments_quotes_and_export_are_understood(tmp_path: Path) -> None:
    text = "# PUBLIC_PORT=1\n\nexport LOG_LEVEL='ERROR'  # why\nMAX_IMAGE_BYTES=\"2048\"\r\nDATABASE_URL=\n"
    settings = read_settings(write(tmp_path, text))
    assert (settings.public_port, settings.log_level, settings.max_image_bytes) == (8087, "ERROR", 2048)


@pytest.mark.parametrize("size", [1024, 1025, 1026, 10 * 1024 * 1024])
def test_body_may_hold_the_largest_image_in_the_longest_form(default_gateway: GatewaySettings, size: int) -> None:
    settings = dataclasses.replace(default_gateway, max_image_bytes=size)
    windows = base64.encodebytes(bytes(size)).replace(b"\n", b"\r\n")
    body = json.dumps({"image_id": "\U0001f600" * 255, "image_base64": str(windows)})
    assert len(body) <= settings.max_body_bytes < len(body) + 64 * 1024


def test_open_service_without_keys_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="REQUIRE_API_KEY must not be false while BIND_ADDRESS is open"):
        read_settings(write(tmp_path, "BIND_ADDRESS=0.0.0.0\nREQUIRE_API_KEY=false"))


def test_file_that_is_no_text_is_told(tmp_path: Path) -> None:
    (tmp_path / ".env").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(SettingsError, match="cannot be read as a text file of NAME=value lines"):
        read_settings(tmp_path / ".env")
