"""Each start-up check fails with one sentence that says what to do."""

import dataclasses
import socket
from pathlib import Path

import pytest

from server.stack import preflight
from server.stack.settings import StackError, StackSettings, read_settings


@pytest.fixture
def stack_settings(clean_environ: None, tmp_path: Path) -> StackSettings:
    return read_settings(tmp_path / "no.env")


def test_a_missing_nginx_is_named_with_the_command_that_installs_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(preflight, "SYSTEM_PATH", str(tmp_path))
    with pytest.raises(StackError, match=r"^nginx is not installed: run apt-get install nginx-light as root\.$"):
        preflight.check_programs()


def test_a_folder_that_cannot_be_written_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "var").write_text("a file where the folder should be")
    monkeypatch.setattr(preflight, "ROOT", tmp_path)
    with pytest.raises(StackError, match=r"var cannot be written by \w+ \(.*\): change its owner\.$"):
        preflight.check_folders()


def test_a_path_too_long_for_a_socket_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(preflight, "ROOT", tmp_path / ("x" * 90))
    with pytest.raises(StackError, match=r"move the checkout to a shorter one\.$"):
        preflight.check_folders()


def test_a_taken_port_is_named_with_its_setting(stack_settings: StackSettings) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        gateway = dataclasses.replace(stack_settings.gateway, public_port=port)
        with pytest.raises(StackError, match=rf"^127\.0\.0\.1:{port} cannot be listened on .* change PUBLIC_PORT in"):
            preflight.check_ports(dataclasses.replace(stack_settings, gateway=gateway))


def test_half_of_tls_is_refused_and_so_is_a_file_that_cannot_be_read(stack_settings: StackSettings) -> None:
    with pytest.raises(StackError, match="TLS_CERTIFICATE and TLS_KEY go together"):
        preflight.check_tls(dataclasses.replace(stack_settings, tls_key="key.pem"))
    whole = dataclasses.replace(stack_settings, tls_certificate="absent.pem", tls_key="key.pem")
    with pytest.raises(StackError, match=r"^TLS_CERTIFICATE needs PUBLIC_HTTPS=true in \.env"):
        preflight.check_tls(whole)
    secure = dataclasses.replace(whole, gateway=dataclasses.replace(whole.gateway, public_https=True))
    with pytest.raises(StackError, match=r"^absent\.pem cannot be read"):
        preflight.check_tls(secure)


def test_a_queue_longer_than_the_kernel_gives_is_refused(stack_settings: StackSettings) -> None:
    with pytest.raises(StackError, match=r"net\.core\.somaxconn: set \d+ or less in \.env\.$"):
        preflight.check_queue(dataclasses.replace(stack_settings, gateway_queue_size=10**9))


def test_wrong_model_settings_are_told_before_anything_starts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MODEL_ENGINE", "magic")
    with pytest.raises(StackError, match="MODEL_ENGINE"):
        preflight.check_model()
