"""Writes what nginx and uwsgi cannot read from the environment: the generated includes under var/run/."""

import math
import os
import sys
from pathlib import Path

from server.env import ROOT
from server.stack.settings import StackSettings, user_name

RUN = ROOT / "var" / "run"

# The timeout ladder, in seconds on top of MODEL_READ_TIMEOUT_S: model read < gunicorn < uwsgi harakiri < nginx <
# supervisor's stopwaitsecs (supervisord.conf). Each tier outlives the one it waits for, so the innermost one answers.
GUNICORN_MARGIN_S = 5
HARAKIRI_MARGIN_S = 10
NGINX_MARGIN_S = 15


def render(settings: StackSettings) -> None:
    """Write var/run/nginx/{main,http,limits}.conf and var/run/uwsgi.ini, each atomically."""
    (RUN / "nginx").mkdir(parents=True, exist_ok=True)
    write(RUN / "nginx" / "main.conf", nginx_main(settings))
    write(RUN / "nginx" / "http.conf", nginx_http(settings))
    write(RUN / "nginx" / "limits.conf", nginx_limits(settings))
    write(RUN / "uwsgi.ini", uwsgi(settings))


def nginx_main(settings: StackSettings) -> str:
    """Top-level directives. As root, workers stay root: the checkout may lie where nobody else may read."""
    user = f"user {user_name()};\n" if os.geteuid() == 0 else ""
    return f"{user}worker_processes {settings.gateway_processes};\n"


def nginx_http(settings: StackSettings) -> str:
    """The upstream and the two servers' addresses and limits."""
    primary, *others = settings.gateway.model_servers
    role = " backup" if settings.model_balance == "backup" else ""
    # max_fails=0: a busy or restarting server is tried again at once; its refusal costs less than leaving it out.
    servers = [f"server {primary} max_fails=0;", *(f"server {other} max_fails=0{role};" for other in others)]
    nginx_timeout = math.ceil(settings.gateway.model_read_timeout_s) + NGINX_MARGIN_S
    lines = [
        "limit_conn_zone $server_port zone=everyone:64k;",
        f"limit_req_zone $binary_remote_addr zone=clients:1m rate={max(1, settings.client_rate_per_s)}r/s;",
        "upstream prod {",
        *(f"    {server}" for server in servers),
        "    keepalive 32;",
        "}",
        "server {",
        f"    listen {listen(settings)};",
        *tls(settings),
        f"    client_max_body_size {settings.gateway.max_body_bytes};",
        f"    uwsgi_read_timeout {nginx_timeout}s;",
        "    include public.conf;",
        "}",
        "server {",
        f"    listen 127.0.0.1:{settings.gateway.internal_port};",
        f"    client_max_body_size {settings.gateway.max_image_bytes};",
        f"    proxy_read_timeout {nginx_timeout}s;",
        "    include internal.conf;",
        "}",
    ]
    return "\n".join(lines) + "\n"


def nginx_limits(settings: StackSettings) -> str:
    """How many requests may be inside at once, and how many a second one address may send (0: any number)."""
    lines = [f"limit_conn everyone {settings.max_concurrent_requests};", "limit_conn_status 503;"]
    if settings.client_rate_per_s:
        lines += [f"limit_req zone=clients burst={settings.client_rate_per_s} nodelay;", "limit_req_status 429;"]
    return "\n".join(lines) + "\n"


def listen(settings: StackSettings) -> str:
    """The public address in nginx's spelling."""
    address = settings.gateway.bind_address
    host = f"[{address}]" if ":" in address else address
    return f"{host}:{settings.gateway.public_port}{' ssl' if settings.tls_certificate else ''}"


def tls(settings: StackSettings) -> list[str]:
    """Certificate and key, where TLS is on."""
    if not settings.tls_certificate:
        return []
    certificate, key = (ROOT / settings.tls_certificate, ROOT / settings.tls_key)
    return [
        f"    ssl_certificate {certificate};",
        f"    ssl_certificate_key {key};",
        "    ssl_protocols TLSv1.2 TLSv1.3;",
    ]


def uwsgi(settings: StackSettings) -> str:
    """Process and thread counts, the request's time limit, and the virtual environment."""
    return (
        "[uwsgi]\n"
        f"processes = {settings.gateway_processes}\n"
        f"threads = {settings.gateway_threads}\n"
        f"harakiri = {math.ceil(settings.gateway.model_read_timeout_s) + HARAKIRI_MARGIN_S}\n"
        f"worker-reload-mercy = {math.ceil(settings.gateway.model_read_timeout_s) + HARAKIRI_MARGIN_S}\n"
        f"virtualenv = {sys.prefix}\n"
    )


def write(path: Path, text: str) -> None:
    """Replace a file at once: two programs may render at the same moment."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    temporary.write_text(text, encoding="utf-8")
    temporary.replace(path)
