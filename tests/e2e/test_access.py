"""Limits that hold across uwsgi's processes, behind nginx: log-in attempts, and an API key's requests a minute."""

import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import requests

from tests.e2e.stack import Stack, code_of, running_stack

pytestmark = pytest.mark.e2e
PER_MINUTE = 5


def log_in(stack: Stack, password: str) -> requests.Response:
    with requests.Session() as browser:
        browser.get(f"{stack.url}/admin/login/", timeout=30)
        form = {"username": "anna", "password": password, "csrfmiddlewaretoken": browser.cookies["csrftoken"]}
        headers = {"Origin": stack.url, "X-Forwarded-For": f"10.0.0.{time.monotonic_ns() % 250}"}
        return browser.post(f"{stack.url}/admin/login/", form, headers=headers, timeout=30, allow_redirects=False)


def test_limits_hold_across_processes(tmp_path: Path) -> None:
    with running_stack(tmp_path, GATEWAY_PROCESSES="3", CLIENT_RATE_PER_S="0") as stack:
        stack.env["DJANGO_SUPERUSER_PASSWORD"] = "a long enough pass phrase"
        stack.run("python", "manage.py", "createsuperuser", "--noinput", "--username=anna", "--email=a@example.org")
        assert [log_in(stack, "wrong").status_code for _ in range(5)] == [200, 200, 200, 200, 429]
        locked = log_in(stack, "a long enough pass phrase")
        assert locked.status_code == 429
        assert 0 < int(locked.headers["Retry-After"]) <= 15 * 60
        assert "default-src 'self'" in locked.headers["Content-Security-Policy"]

        key = stack.run(
            "python", "manage.py", "create_api_key", "crawler", f"--requests-per-minute={PER_MINUTE}"
        ).stdout
        headers = {"Authorization": f"Api-Key {key.strip()}"}
        if time.time() % 60 > 40:
            time.sleep(61 - time.time() % 60)  # so that all are sent within one minute
        with ThreadPoolExecutor(max_workers=4) as pool:
            replies = list(pool.map(lambda _: stack.post(headers=headers), range(3 * PER_MINUTE)))
        assert Counter(reply.status_code for reply in replies) == {200: PER_MINUTE, 429: 2 * PER_MINUTE}
        refused = next(reply for reply in replies if reply.status_code == 429)
        assert code_of(refused) == "throttled"
        assert 0 < int(refused.headers["Retry-After"]) <= 60
