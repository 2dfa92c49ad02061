"""The one timeout ladder: model read < gunicorn < uwsgi harakiri < nginx < supervisor's stopwaitsecs."""

import configparser
import re
import runpy
from pathlib import Path

import pytest

from server.stack.render import nginx_http, uwsgi
from server.stack.settings import read_settings

ROOT = Path(__file__).resolve().parents[1]


def number(pattern: str, text: str) -> int:
    match = re.search(pattern, text)
    assert match, pattern
    return int(match[1])


@pytest.mark.parametrize("read_timeout_s", ["0.1", "10", "12.5", "40"])
def test_each_tier_outlives_the_one_it_waits_for(read_timeout_s: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MODEL_READ_TIMEOUT_S", read_timeout_s)
    settings = read_settings()
    gunicorn = runpy.run_path(str(ROOT / "resnet_server" / "gunicorn.conf.py"))
    supervisor = configparser.RawConfigParser()
    supervisor.read(ROOT / "supervisord.conf")
    stop_limits = [
        supervisor.getint(name, "stopwaitsecs") for name in supervisor.sections() if name.startswith("program")
    ]
    assert len(stop_limits) == 4
    ladder = [
        float(read_timeout_s),
        gunicorn["timeout"],
        number(r"harakiri = (\d+)", uwsgi(settings)),
        number(r"uwsgi_read_timeout (\d+)s", nginx_http(settings)),
        min(stop_limits),
    ]
    assert ladder == sorted(set(ladder)), ladder
    assert gunicorn["graceful_timeout"] < min(stop_limits)
