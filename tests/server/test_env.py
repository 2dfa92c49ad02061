"""Settings: safe by default, all problems told at once, every one documented."""

from pathlib import Path

import pytest

from server.env import SettingsError, read_settings

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
        "MODEL_SERVERS must list host:port, separated by commas",
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


def test_open_service_without_keys_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="REQUIRE_API_KEY must not be false while BIND_ADDRESS is open"):
        read_settings(write(tmp_path, "BIND_ADDRESS=0.0.0.0\nREQUIRE_API_KEY=false"))


def test_file_that_is_no_text_is_told(tmp_path: Path) -> None:
    (tmp_path / ".env").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(SettingsError, match="cannot be read as a text file of NAME=value lines"):
        read_settings(tmp_path / ".env")
