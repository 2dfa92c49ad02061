"""Whatever goes wrong with a roll-out, both servers serve one version, and the reason is told and recorded."""

import json
import os
import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import requests

from tests.e2e.rollout import (
    LONG,
    SLOTS,
    Make,
    begin,
    deploy,
    kill,
    last_roll_out,
    pointers,
    refusal,
    served,
    wait_for_line,
)
from tests.e2e.stack import Load, Stack, frozen, wait_for
from tests.tiny_model import sha256, write_artifact

pytestmark = [pytest.mark.e2e, *([pytest.mark.timeout(3600)] if LONG else [])]


def with_pth_weights(folder: Path) -> None:
    """An artifact for the PyTorch engine."""
    write_artifact(folder)
    (folder / "model.onnx").rename(folder / "model.pth")
    document = json.loads((folder / "manifest.json").read_text())
    document["weights"] = {"file": "model.pth", "sha256": sha256(folder / "model.pth")}
    (folder / "manifest.json").write_text(json.dumps(document))


def truncated(folder: Path) -> None:
    write_artifact(folder)
    (folder / "model.onnx").write_bytes((folder / "model.onnx").read_bytes()[:200])


def of_other_shape(folder: Path) -> None:
    write_artifact(folder)
    document = json.loads((folder / "manifest.json").read_text())
    document["input"]["height"] = 64
    (folder / "manifest.json").write_text(json.dumps(document))


BAD: dict[str, tuple[Callable[[Path], object], str]] = {
    "truncated": (truncated, "model.onnx is damaged: its sha256 is"),
    "wrong sha256": (
        lambda folder: write_artifact(folder, weights={"file": "model.onnx", "sha256": "0" * 64}),
        "model.onnx is damaged: its sha256 is",
    ),
    "wrong labels": (lambda folder: write_artifact(folder, labels=["online", "offline"]), "labels: "),
    "wrong shape": (of_other_shape, "does not answer its golden image"),
    "NaN": (lambda folder: write_artifact(folder, answers_nan=True), "[[nan, nan]]"),
    "no torch": (
        with_pth_weights,
        "The pytorch engine is not installed: run pip install -r requirements/training.txt.",
    ),
    "crash": (with_pth_weights, "ended the process that loaded it: SIGABRT"),
}
TORCH = {"no torch": "raise ImportError('no torch here')", "crash": "import os; os.abort()"}


@pytest.mark.parametrize("name", BAD)
def test_a_bad_artifact_never_reaches_traffic(
    model_stack: Stack, tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_bad, reason = BAD[name]
    make_bad(tmp_path / "bad")
    (tmp_path / "lib/torch").mkdir(parents=True)
    (tmp_path / "lib/torch/__init__.py").write_text(TORCH.get(name, ""))
    if name in TORCH:
        monkeypatch.setitem(model_stack.env, "PYTHONPATH", str(tmp_path / "lib"))
    workers = [model_stack.children(slot) for slot in SLOTS]
    said = refusal(model_stack, tmp_path / "bad")
    assert reason in said
    assert "The roll-out is refused, nothing was changed." in said
    state, error = last_roll_out(model_stack)
    assert state == "refused"
    assert reason in error
    assert served(model_stack) == pointers(model_stack) == {"before"}
    assert [model_stack.children(slot) for slot in SLOTS] == workers


def test_a_model_worse_than_asked_for_never_reaches_traffic(model_stack: Stack, make: Make, tmp_path: Path) -> None:
    golden = make("worse") / "golden.png"
    for label in ("offline", "online"):
        (tmp_path / "canary" / label).mkdir(parents=True)
        shutil.copy(golden, tmp_path / "canary" / label)
    said = refusal(model_stack, make("worse"), "--canary-set", str(tmp_path / "canary"), "--min-accuracy", "0.6")
    assert "worse is right on 0.5000 of" in said
    assert served(model_stack) == {"before"}
    deploy(model_stack, make("worse"), "--canary-set", str(tmp_path / "canary"), "--min-accuracy", "0.5")
    assert served(model_stack) == {"worse"}


@pytest.fixture
def blind_check(model_stack: Stack) -> Iterator[None]:
    """The off-line check finds nothing wrong, ever."""
    check = model_stack.root / "resnet_server/check.py"
    code = check.read_text()
    check.write_text(
        "import json, pathlib, sys\n"
        "version = json.loads((pathlib.Path(sys.argv[1]) / 'manifest.json').read_text())['version']\n"
        "print(json.dumps({'version': version, 'pinned': ''}))\n"
    )
    yield
    check.write_text(code)


@pytest.mark.usefixtures("blind_check")
@pytest.mark.parametrize("name", ["truncated", "NaN"])
def test_what_slips_through_the_check_is_rolled_back_at_once(model_stack: Stack, tmp_path: Path, name: str) -> None:
    make_bad, reason = BAD[name]
    make_bad(tmp_path / "bad")
    version = json.loads((tmp_path / "bad/manifest.json").read_text())["version"]
    with Load(model_stack, clients=2) as load:
        load.wait_for_answers(10)
        said = refusal(model_stack, tmp_path / "bad")
        load.wait_for_answers(10)
    shutil.rmtree(model_stack.root / "var/models" / version)
    assert load.failures == []
    assert {mark.version for mark in load.marks} == {"before"}
    assert "resnet_server1 does not serve it: " in said
    assert reason in said
    state, error = last_roll_out(model_stack)
    assert state == "undone"
    assert reason in error
    assert served(model_stack) == pointers(model_stack) == {"before"}


@pytest.mark.parametrize("delay_s", [0.0, 0.3, 0.6, 1.0, 1.5, 2.0] if LONG else [0.0])
@pytest.mark.parametrize("step", ["check", *SLOTS, "record"])
def test_after_a_kill_at_any_step_the_next_run_leaves_one_version(
    model_stack: Stack, make: Make, step: str, delay_s: float
) -> None:
    with Load(model_stack, clients=2) as load:
        process = begin(model_stack, make("killed"))
        wait_for_line(process, f"-- {step}")
        time.sleep(delay_s)
        kill(process)
        said = deploy(model_stack, make("next"))
    assert load.failures == []
    assert {mark.version for mark in load.marks} <= {"before", "killed", "next"}
    assert served(model_stack) == pointers(model_stack) == {"next"}
    assert model_stack.sql("select count(*) from Pm_rollout where state = 'running'") == [(0,)]
    if delay_s == 0 and step in SLOTS:
        assert "by" in said.splitlines()[0]
        assert said.splitlines()[0].endswith(f"was interrupted at {step}.")


def test_rolling_back_after_a_kill_gives_back_what_was_served(model_stack: Stack, make: Make) -> None:
    process = begin(model_stack, make("killed"))
    wait_for_line(process, f"-- {SLOTS[1]}")
    kill(process)
    said = model_stack.run("python", "manage.py", "rollback_model").stdout
    assert "undone, the servers serve what they served before" in said
    assert served(model_stack) == pointers(model_stack) == {"before"}


def test_a_second_roll_out_is_refused_and_told_who_runs_the_first(model_stack: Stack, make: Make) -> None:
    first = begin(model_stack, make("first"))
    wait_for_line(first, "-- check")
    with frozen([first.pid]):
        said = refusal(model_stack, make("second"))
    assert f"Wait until the roll-out that runs is done: {os.environ.get('USER') or 'root'} rolls out " in said
    assert f"process {first.pid}." in said
    first.communicate()
    assert served(model_stack) == {"first"}


def test_rolling_back_and_forth(model_stack: Stack, make: Make) -> None:
    deploy(model_stack, make("after"), "--reason", "better on dark rooms")
    back = model_stack.run("python", "manage.py", "rollback_model", "--reason", "worse on screens").stdout
    assert back.splitlines()[-1] == "before is active."
    assert served(model_stack) == {"before"}
    status = model_stack.run("python", "manage.py", "model_status").stdout
    assert status.count("serves before; next start: before") == 2
    assert "(better on dark rooms)" in status
    assert "(worse on screens)" in status
    deploy(model_stack, "resnet_server/default_model")
    assert not (model_stack.root / "var/models" / SLOTS[0]).is_symlink()
    assert model_stack.post().headers["X-Model-Version"] == next(iter(served(model_stack)))


def test_a_stopped_pm_serves_the_new_version_at_its_next_start(model_stack: Stack, make: Make) -> None:
    model_stack.run("python", "-m", "server.stack", "down")
    said = deploy(model_stack, make("later"))
    assert said.count("does not run: its next start serves later") == 2
    model_stack.run("python", "-m", "server.stack", "up")
    assert served(model_stack) == {"later"}


def test_a_version_is_activated_from_the_admin(model_stack: Stack, make: Make) -> None:
    deploy(model_stack, make("other"))
    model_stack.env["DJANGO_SUPERUSER_PASSWORD"] = "correct horse battery"
    model_stack.run(
        "python", "manage.py", "createsuperuser", "--noinput", "--username", "anna", "--email", "a@example.org"
    )
    chosen = model_stack.sql("select id from Pm_modelversion where version = 'before'")[0][0]
    page = f"{model_stack.url}/admin/Pm/modelversion/"
    with requests.Session() as browser:
        browser.get(f"{model_stack.url}/admin/login/", timeout=10)
        form = {"username": "anna", "password": "correct horse battery", "next": "/admin/Pm/modelversion/"}
        token = {"csrfmiddlewaretoken": browser.cookies["csrftoken"]}
        browser.post(
            f"{model_stack.url}/admin/login/", data=form | token, headers={"Origin": model_stack.url}, timeout=10
        )
        form = {"action": "activate", "_selected_action": str(chosen), "reason": "from the admin"}
        token = {"csrfmiddlewaretoken": browser.cookies["csrftoken"]}
        told = browser.post(page, data=form | token, headers={"Origin": model_stack.url}, timeout=30)
    assert "The roll-out has begun" in told.text
    last = 'select "by", reason, state from Pm_rollout order by id desc limit 1'
    wait_for(lambda: model_stack.sql(last) == [("anna", "from the admin", "done")])
    assert served(model_stack) == pointers(model_stack) == {"before"}
