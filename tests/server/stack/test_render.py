"""What nginx and uwsgi are told, for each setting that changes it; nginx itself reads the result."""

import dataclasses
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from server.env import ROOT
from server.stack import render
from server.stack.settings import StackError, StackSettings, read_settings


@pytest.fixture
def stack_settings(clean_environ: None, tmp_path: Path) -> StackSettings:
    return read_settings(tmp_path / "no.env")


def gateway(settings: StackSettings, **changes: object) -> StackSettings:
    return dataclasses.replace(settings, gateway=dataclasses.replace(settings.gateway, **changes))  # type: ignore[arg-type]


def test_the_second_server_is_a_backup_by_default_and_an_equal_when_asked(stack_settings: StackSettings) -> None:
    assert "server 127.0.0.1:5006 max_fails=0 backup;" in render.nginx_http(stack_settings)
    both = dataclasses.replace(stack_settings, model_balance="both")
    assert "server 127.0.0.1:5006 max_fails=0;" in render.nginx_http(both)


def servers_of(upstream: str, settings: StackSettings) -> list[str]:
    block = render.nginx_http(settings).split(f"upstream {upstream} {{\n")[1].split("}")[0]
    return [line.strip().removesuffix(";") for line in block.splitlines() if "server" in line]


@pytest.mark.parametrize("balance", ["backup", "both"])
def test_a_canarys_server_is_a_backup_of_the_stable_ones_however_they_balance(
    stack_settings: StackSettings, balance: str
) -> None:
    three = gateway(stack_settings, model_servers=("a:1", "b:2", "c:3"))
    third = "server c:3 max_fails=0" + (" backup" if balance == "backup" else "")
    rendered = servers_of("stable", dataclasses.replace(three, model_balance=balance))
    assert rendered == ["server a:1 max_fails=0", "server b:2 max_fails=0 backup", third]
    assert servers_of("prod", dataclasses.replace(three, model_balance="both")) == [
        f"server {server} max_fails=0" for server in three.gateway.model_servers
    ]


def test_the_documented_ports_are_listened_on_at_loopback(stack_settings: StackSettings) -> None:
    text = render.nginx_http(stack_settings)
    assert "listen 127.0.0.1:8087;" in text
    assert "listen 127.0.0.1:8086;" in text


@pytest.mark.parametrize(("address", "spelt"), [("0.0.0.0", "0.0.0.0:8087"), ("::1", "[::1]:8087")])  # noqa: S104
def test_the_bind_address_opens_only_the_public_port(stack_settings: StackSettings, address: str, spelt: str) -> None:
    text = render.nginx_http(gateway(stack_settings, bind_address=address))
    assert f"listen {spelt};" in text
    assert "listen 127.0.0.1:8086;" in text


def test_bodies_may_be_as_large_as_the_largest_picture_in_base64(stack_settings: StackSettings) -> None:
    text = render.nginx_http(gateway(stack_settings, max_image_bytes=3000))
    settings = gateway(stack_settings, max_image_bytes=3000)
    assert f"client_max_body_size {settings.gateway.max_body_bytes};" in text
    assert "client_max_body_size 3000;" in text


def test_the_rate_limit_can_be_switched_off(stack_settings: StackSettings) -> None:
    assert "limit_req zone=clients burst=200 nodelay;" in render.nginx_limits(stack_settings)
    assert render.nginx_limits(dataclasses.replace(stack_settings, client_rate_per_s=0)) == ""


def test_tls_needs_certificate_and_key(stack_settings: StackSettings) -> None:
    secure = dataclasses.replace(stack_settings, tls_certificate="my c.pem", tls_key="k.pem")
    text = render.nginx_http(secure)
    assert "listen 127.0.0.1:8087 ssl;" in text
    assert f'ssl_certificate "{ROOT / "my c.pem"}";' in text
    assert secure.public_url == "https://127.0.0.1:8087"


def test_nginx_accepts_what_is_rendered_for_a_new_folder(
    stack_settings: StackSettings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(ROOT / "conf", tmp_path / "conf")
    monkeypatch.setattr(render, "RUN", tmp_path / "var" / "run")
    render.render(stack_settings)
    path = os.environ["PATH"] + ":/usr/sbin"
    command = ["nginx", "-t", "-p", str(tmp_path), "-c", "conf/nginx/nginx.conf", "-e", "stderr"]
    done = subprocess.run(command, capture_output=True, text=True, env={"PATH": path}, check=False)
    assert done.returncode == 0, done.stderr


def test_all_that_is_wrong_with_the_stacks_settings_is_told(
    clean_environ: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GATEWAY_THREADS", "0")
    monkeypatch.setenv("MODEL_BALANCE", "x")
    with pytest.raises(StackError) as wrong:
        read_settings(tmp_path / "no.env")
    assert "GATEWAY_THREADS must be a whole number from 1 to 256." in str(wrong.value)
    assert "MODEL_BALANCE" in str(wrong.value)


def test_nobody_reads_the_numbers_at_the_public_port_but_who_is_named(stack_settings: StackSettings) -> None:
    assert "allow " not in render.nginx_metrics(stack_settings)
    text = render.nginx_metrics(dataclasses.replace(stack_settings, metrics_allow=("10.0.0.5", "10.1.0.0/16")))
    assert text.index("allow 10.0.0.5;") < text.index("allow 10.1.0.0/16;") < text.index("deny all;")
    assert "location = /metrics/resnet_server2 {\n        proxy_pass http://127.0.0.1:5006/metrics;" in text


def test_each_server_is_asked_once_and_a_silent_one_leaves_half_of_the_time(stack_settings: StackSettings) -> None:
    text = render.nginx_http(gateway(stack_settings, model_servers=("a:1", "b:2", "c:3"), model_read_timeout_s=12.5))
    for line in ("proxy_read_timeout 6250ms;", "proxy_next_upstream_timeout 12500ms;", "proxy_next_upstream_tries 3;"):
        assert line in text
