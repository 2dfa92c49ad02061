"""The code, the settings and the tables change under a running Pm, and no request fails."""

from pathlib import Path

import pytest
import requests

from tests.e2e.stack import Load, Stack, wait_for

pytestmark = pytest.mark.e2e
MIGRATION = """
from django.db import migrations, models
class Migration(migrations.Migration):
    dependencies = [("Pm", "{last}")]
    operations = [migrations.AddField("prediction", "of_the_new_release", models.IntegerField(null=True))]
"""


def change(path: Path, old: str, new: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert text.count(old) == 1
    path.write_text(text.replace(old, new), encoding="utf-8")


def install_new_release(root: Path) -> None:
    """What git pull does: every tier says something new, and a table has one column more."""
    change(
        root / "api/request_id.py",
        "        return response",
        '        response["X-Gateway"] = "new"\n        return response',
    )
    change(root / "resnet_server/routes.py", 'status="alive"', 'status="alive", release="new"')
    change(root / "conf/nginx/public.conf", "add_header Allow", "add_header X-Nginx new always;\nadd_header Allow")
    last = sorted((root / "Pm/migrations").glob("0*.py"))[-1].stem
    (root / "Pm/migrations/9999_new_release.py").write_text(MIGRATION.format(last=last))
    change(
        root / "Pm/models/prediction.py",
        "    size_bytes = ",
        "    of_the_new_release = models.IntegerField(null=True)\n    size_bytes = ",
    )


def release(stack: Stack) -> list[str | None]:
    """What each tier says."""
    reply = stack.post()
    servers = [
        requests.get(f"http://127.0.0.1:{stack.ports[name]}/healthz", timeout=10).json()
        for name in ("model1", "model2")
    ]
    return [reply.headers.get("X-Gateway"), reply.headers.get("X-Nginx"), *(each.get("release") for each in servers)]


def test_an_upgrade_under_load_fails_no_request(own: Stack) -> None:
    assert release(own) == [None] * 4
    with Load(own, clients=4) as load:
        load.wait_for_answers(10)
        install_new_release(own.root)
        load.wait_for_answers(10)
        said = own.run("python", "-m", "server.stack", "reload").stdout
        load.wait_for_answers(10)
    assert load.failures == []
    assert release(own) == ["new"] * 4
    assert "of_the_new_release" in own.sql("select sql from sqlite_master where name = 'Pm_prediction'")[0][0]
    assert [line.split()[1] for line in said.splitlines() if " new" in line][:2] == ["resnet_server2", "resnet_server1"]


def test_a_reload_says_which_changed_settings_wait_for_a_new_start(own: Stack) -> None:
    assert "not in force" not in own.run("python", "-m", "server.stack", "reload").stdout
    own.env["MODEL_READ_TIMEOUT_S"] = "20"
    said = own.run("python", "-m", "server.stack", "reload").stdout.splitlines()
    (waiting,) = (line for line in said if "not in force" in line)
    assert waiting.startswith("-- changed, and not in force yet: GATEWAY_PROCESSES, ")
    assert waiting.endswith("MODEL_READ_TIMEOUT_S for uwsgi: make stop and make run, when ten seconds are at hand")


def test_a_reload_starts_what_does_not_run(own: Stack) -> None:
    for program in ("nginx", "main_server", "resnet_server2"):
        own.ctl("stop", program)
    own.run("python", "-m", "server.stack", "reload")
    assert set(own.states().values()) == {"RUNNING"}
    assert own.post().status_code == 200


def test_a_reload_beside_a_canary_is_refused(own: Stack) -> None:
    share = own.root / "var/models/.canary.json"
    share.parent.mkdir(exist_ok=True)
    share.write_text("{}")
    said = own.run("python", "-m", "server.stack", "reload", check=False)
    share.unlink()
    assert said.returncode == 1
    assert said.stderr == (
        "Pm: A canary runs: run manage.py canary --promote or canary --abort first. Nothing was changed.\n"
    )


def test_hup_gives_the_gateway_new_workers_one_after_the_other(own: Stack) -> None:
    before = set(own.children("main_server"))
    master = own.pid("main_server")
    with Load(own, clients=4) as load:
        load.wait_for_answers(10)
        own.ctl("signal", "HUP", "main_server")
        wait_for(lambda: len(now := own.children("main_server")) == len(before) and not before & set(now))
        load.wait_for_answers(10)
    assert load.failures == []
    assert own.pid("main_server") == master


def test_code_that_does_not_load_changes_nothing(own: Stack) -> None:
    workers = {name: own.children(name) for name in own.states()}
    views = own.root / "Pm/views.py"
    code = views.read_text()
    views.write_text("import nothing_of_that_name\n")
    said = own.run("python", "-m", "server.stack", "reload", check=False)
    views.write_text(code)
    assert said.returncode == 1
    assert said.stderr == (
        "Pm: The code that lies here does not load (ModuleNotFoundError: No module named 'nothing_of_that_name'): "
        "nothing was changed.\n"
    )
    assert {name: own.children(name) for name in own.states()} == workers
    assert own.post().status_code == 200


def test_a_reload_of_what_does_not_run_says_how_to_start_it(own: Stack) -> None:
    own.run("python", "-m", "server.stack", "down")
    said = own.run("python", "-m", "server.stack", "reload", check=False)
    assert said.returncode == 1
    assert said.stderr == "Pm: Pm is not running: make run starts it with what lies here now.\n"
