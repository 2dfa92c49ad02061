"""Writes what nginx and uwsgi cannot read from the environment: the generated includes under var/run/."""

import math
import os
import sys
from pathlib import Path

from Pm.artifacts import SLOTS
from server.env import ROOT
from server.stack.settings import StackSettings, user_name

RUN = ROOT / "var" / "run"

# The timeout ladder, in seconds on top of MODEL_READ_TIMEOUT_S: model read < gunicorn (HANG_MARGIN_S in
# resnet_server/settings.py) < uwsgi harakiri < nginx < supervisor's stopwaitsecs (supervisord.conf). Each tier outlives
# the one it waits for, so the innermost one answers.
# Beside the model: the key's look-up and the record wait up to 5 s each for the database, and run up to 5 s.
HARAKIRI_MARGIN_S = 20
NGINX_MARGIN_S = 25


def render(settings: StackSettings) -> None:
    """Write var/run/nginx/{main,http,limits,metrics}.conf and var/run/uwsgi.ini, each atomically."""
    (RUN / "nginx").mkdir(parents=True, exist_ok=True)
    write(RUN / "nginx" / "main.conf", nginx_main(settings))
    write(RUN / "nginx" / "http.conf", nginx_http(settings))
    write(RUN / "nginx" / "limits.conf", nginx_limits(settings))
    write(RUN / "nginx" / "metrics.conf", nginx_metrics(settings))
    write(RUN / "uwsgi.ini", uwsgi(settings))


def nginx_main(settings: StackSettings) -> str:
    """Top-level directives. As root, workers stay root: the checkout may lie where nobody else may read."""
    user = f"user {user_name()};\n" if os.geteuid() == 0 else ""
    return f"{user}worker_processes {settings.gateway_processes};\n"


def nginx_http(settings: StackSettings) -> str:
    """The upstreams and the two servers' addresses and limits."""
    nginx_timeout = math.ceil(settings.gateway.model_read_timeout_s) + NGINX_MARGIN_S
    lines = [
        f"limit_req_zone $binary_remote_addr zone=clients:1m rate={max(1, settings.client_rate_per_s)}r/s;",
        *upstream("prod", settings, canary=False),
        *upstream("stable", settings, canary=True),
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
        *next_try(settings),
        "    include internal.conf;",
        "}",
    ]
    return "\n".join(lines) + "\n"


def upstream(name: str, settings: StackSettings, *, canary: bool) -> list[str]:
    """The model servers; all but the primary are backups unless they share, and a canary's server is one anyway.

    max_fails=0: a busy or restarting server is tried again at once; its refusal costs less than leaving it out.
    """
    lines = []
    for number, server in enumerate(settings.gateway.model_servers):
        is_backup = number > 0 and (settings.model_balance == "backup" or (canary and number == 1))
        lines.append(f"    server {server} max_fails=0{' backup' if is_backup else ''};")
    return [f"upstream {name} {{", *lines, "    keepalive 32;", "}"]


def next_try(settings: StackSettings) -> list[str]:
    """Each server is asked once at most; one that is silent for half of the time leaves the other half to the next."""
    limit_ms = int(settings.gateway.model_read_timeout_s * 1000)
    return [
        f"    proxy_read_timeout {limit_ms // 2}ms;",
        f"    proxy_next_upstream_timeout {limit_ms}ms;",
        f"    proxy_next_upstream_tries {len(settings.gateway.model_servers)};",
    ]


def nginx_limits(settings: StackSettings) -> str:
    """How many requests a second one client address may send; 0 switches the limit off."""
    if not settings.client_rate_per_s:
        return ""
    return f"limit_req zone=clients burst={settings.client_rate_per_s} nodelay;\nlimit_req_status 429;\n"


def nginx_metrics(settings: StackSettings) -> str:
    """Who may read the numbers at the public port, those of this machine's model servers among them; else nobody."""
    allowed = [f"    allow {network};" for network in settings.metrics_allow]
    lines = ["location ^~ /metrics {", *allowed, "    deny all;", "    proxy_set_header X-Request-ID $pm_request_id;"]
    for path, source in metrics_sources(settings).items():
        lines += [f"    location = {path} {{", f"        {source}", "    }"]
    return "\n".join([*lines, "}"]) + "\n"


def metrics_sources(settings: StackSettings) -> dict[str, str]:
    """Path of each page of numbers → how nginx gets it."""
    servers = zip(SLOTS, settings.gateway.model_servers, strict=False)
    pages = {f"/metrics/{slot}": f"proxy_pass http://{address}/metrics;" for slot, address in servers}
    return {"/metrics": "include gateway_metrics.conf;", **pages}


def listen(settings: StackSettings) -> str:
    """The public address in nginx's spelling."""
    address = settings.gateway.bind_address
    host = f"[{address}]" if ":" in address else address
    both_families = " ipv6only=off" if address == "::" else ""
    return f"{host}:{settings.gateway.public_port}{' ssl' if settings.tls_certificate else ''}{both_families}"


def tls(settings: StackSettings) -> list[str]:
    """Certificate and key, where TLS is on."""
    if not settings.tls_certificate:
        return []
    return [
        f'    ssl_certificate "{ROOT / settings.tls_certificate}";',
        f'    ssl_certificate_key "{ROOT / settings.tls_key}";',
        "    ssl_protocols TLSv1.2 TLSv1.3;",
    ]


def uwsgi(settings: StackSettings) -> str:
    """Process and thread counts, the request's time limit, and the virtual environment."""
    return (
        "[uwsgi]\n"
        f"processes = {settings.gateway_processes}\n"
        f"threads = {settings.gateway_threads}\n"
        f"listen = {settings.gateway_queue_size}\n"
        f"harakiri = {math.ceil(settings.gateway.model_read_timeout_s) + HARAKIRI_MARGIN_S}\n"
        f"worker-reload-mercy = {math.ceil(settings.gateway.model_read_timeout_s) + HARAKIRI_MARGIN_S}\n"
        f"virtualenv = {virtual_environment()}\n"
    )


def virtual_environment() -> str:
    """Where uwsgi finds the libraries: relative where it lies in the checkout, whose path may be in any script."""
    path = Path(sys.prefix)
    return str(path.relative_to(ROOT)) if path.is_relative_to(ROOT) else str(path)


def write(path: Path, text: str) -> None:
    """Replace a file at once: two programs may render at the same moment."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    temporary.write_text(text, encoding="utf-8")
    temporary.replace(path)
