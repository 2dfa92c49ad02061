"""Open to other machines: keys, host names, TLS, as the README says to do it."""

import subprocess
import sys
from pathlib import Path

import pytest
import requests
import trustme

from tests.e2e.stack import Stack, copy_checkout, environment, free_ports, running_stack

pytestmark = pytest.mark.e2e


def test_without_a_key_the_door_stays_shut_and_with_one_it_opens(tmp_path: Path) -> None:
    root = copy_checkout(tmp_path / "Pm")
    ports = free_ports(4)
    env = environment(ports, BIND_ADDRESS="0.0.0.0", ALLOWED_HOSTS="pm.example.org")  # noqa: S104 - the point
    stack = Stack(root, f"http://127.0.0.1:{ports[0]}", env, {})
    refused = stack.run("python", "-m", "server.stack", "up", check=False)
    assert refused.returncode == 1
    assert "no API key exists: make one with .venv/bin/python manage.py create_api_key NAME" in refused.stderr

    key = stack.run("python", "manage.py", "create_api_key", "backend").stdout.split()[-1]
    try:
        stack.run("python", "-m", "server.stack", "up")
        named = {"Host": "pm.example.org"}
        with_key = named | {"Authorization": f"Api-Key {key}"}
        assert stack.post(headers=with_key).status_code == 200
        nobody = stack.post(headers=named)
        assert (nobody.status_code, nobody.json()["error"]["code"]) == (401, "not_authenticated")
        assert nobody.headers["WWW-Authenticate"] == "Api-Key"
        stranger = stack.post(headers=named | {"Authorization": "Api-Key wrong.key"})
        assert (stranger.status_code, stranger.json()["error"]["code"]) == (403, "permission_denied")
        by_address = stack.post(headers={"Authorization": f"Api-Key {key}"})
        assert (by_address.status_code, by_address.json()["error"]["code"]) == (400, "invalid_request")
        for path in ("/healthz", "/readyz"):  # balancers ask by address
            assert requests.get(stack.url + path, timeout=10).status_code == 200
        assert stack.sql("select distinct client from Pm_prediction where result <> ''") == [("backend",)]
    finally:
        stack.run("python", "-m", "server.stack", "down", check=False)


def test_tls_ends_at_nginx_and_cookies_travel_by_https_only(tmp_path: Path) -> None:
    authority = trustme.CA()
    certificate = authority.issue_cert("localhost", "127.0.0.1")
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    certificate.private_key_and_cert_chain_pem.write_to_path(tmp_path / "server.pem")
    pem = str(tmp_path / "server.pem")
    with running_stack(tmp_path, TLS_CERTIFICATE=pem, TLS_KEY=pem, PUBLIC_HTTPS="true") as stack:
        url = stack.url.replace("http:", "https:")
        with requests.Session() as session:
            session.verify = str(tmp_path / "ca.pem")
            session.trust_env = False
            page = session.get(f"{url}/admin/login/", timeout=10)
            assert page.status_code == 200
            assert all(cookie.secure for cookie in session.cookies)
            assert page.headers["Strict-Transport-Security"] == "max-age=31536000"
            refused = session.get(f"{url}/api/v1/get_pm", timeout=10)  # the API has a shorter list of middleware
            assert (refused.status_code, refused.headers.get("Strict-Transport-Security")) == (405, "max-age=31536000")
            # What a client says of the scheme counts for nothing where TLS ends here.
            lying = session.get(f"{url}/admin/login/", headers={"X-Forwarded-Proto": "http"}, timeout=10)
            assert lying.history == []
        plain = requests.get(stack.url.replace("https:", "http:") + "/healthz", timeout=10)
        assert (plain.status_code, plain.json()["error"]["code"]) == (400, "invalid_request")


def test_a_refusal_of_a_large_body_keeps_its_code(tmp_path: Path) -> None:
    """The gateway refuses before it reads the body; the client must still be told why."""
    with running_stack(tmp_path, REQUIRE_API_KEY="true") as stack:
        url = f"{stack.url}/api/v1/get_pm"
        cases: list[tuple[str, str, dict[str, str], str]] = [
            ("POST", url, {}, "not_authenticated"),
            ("POST", url, {"Authorization": "Api-Key no.key"}, "permission_denied"),
            ("PATCH", url, {}, "not_authenticated"),
            ("POST", f"{url}x", {}, "not_found"),
            ("POST", url, {"Host": "evil.example"}, "invalid_request"),
        ]
        for size in (200_000, 1_000_000, 5_000_000):
            for method, where, headers, code in cases * 5:
                reply = requests.request(method, where, data=b"x" * size, headers=headers, timeout=30)
                assert reply.json()["error"]["code"] == code


def test_a_checkout_under_a_chinese_path_starts_from_its_own_env_and_virtual_environment(tmp_path: Path) -> None:
    root = copy_checkout(tmp_path / "产品 Pm")
    (root / ".venv").symlink_to(sys.prefix)
    public, internal, model1, model2 = free_ports(4)
    (root / ".env").write_text(
        f"PUBLIC_PORT={public}\nINTERNAL_PORT={internal}\nMODEL_SERVERS=127.0.0.1:{model1},127.0.0.1:{model2}\n"
        "GATEWAY_PROCESSES=1\nMODEL_BALANCE=both\n"
    )
    python = str(root / ".venv" / "bin" / "python")
    bare = {"PATH": "/usr/bin:/bin", "LC_ALL": "POSIX"}
    stack = Stack(root, f"http://127.0.0.1:{public}", bare, {})
    try:
        stack.run(python, "-m", "server.stack", "up")
        assert stack.post(image_id="北京").json() == {"image_id": "北京", "result": "online"}
        assert f"server 127.0.0.1:{model2} max_fails=0;" in (root / "var/run/nginx/http.conf").read_text()
        assert "processes = 1\n" in (root / "var/run/uwsgi.ini").read_text()
        # What ops change in .env is in force after supervisorctl restart.
        settings = (root / ".env").read_text()
        (root / ".env").write_text(settings.replace("GATEWAY_PROCESSES=1", "GATEWAY_PROCESSES=2"))
        stack.run(str(root / ".venv" / "bin" / "supervisorctl"), "restart", "main_server")
        assert "processes = 2\n" in (root / "var/run/uwsgi.ini").read_text()
    finally:
        stack.run(python, "-m", "server.stack", "down", check=False)


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"DATABASE_URL": "postgresql://nobody@127.0.0.1:1/none"}, "The database cannot be used ("),
        ({"MODEL_SERVERS": "127.0.0.1:99999,127.0.0.1:5006"}, "MODEL_SERVERS"),
        ({"INTERNAL_PORT": "8087", "PUBLIC_PORT": "8087"}, "PUBLIC_PORT"),
        ({"GATEWAY_QUEUE_SIZE": "0"}, "GATEWAY_QUEUE_SIZE must be a whole number from 1 to 4096."),
    ],
)
def test_settings_that_cannot_work_end_in_one_sentence(tmp_path: Path, changes: dict[str, str], sentence: str) -> None:
    root = copy_checkout(tmp_path / "Pm")
    env = environment(free_ports(4), **changes)
    done = subprocess.run(
        ["python", "-m", "server.stack", "up"], cwd=root, env=env, capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert sentence in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1


def test_a_line_of_env_that_is_no_setting_is_named(tmp_path: Path) -> None:
    root = copy_checkout(tmp_path / "Pm")
    (root / ".env").write_text("KEEP_IMAGES=true\nPUBLIC_PORT 9000\n")
    done = subprocess.run(
        ["python", "-m", "server.stack", "up"],
        cwd=root,
        env=environment(free_ports(4)),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert "Line 2 of .env must be NAME=value." in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
