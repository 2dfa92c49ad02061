"""A canary on the real stack: its share lands and sticks, its failures cost no request, a shadow changes no answer."""

import hashlib
import re
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.rollout import LONG, SLOTS, Make, deploy, kill, last_roll_out, pointers, served, wait_for_line
from tests.e2e.stack import Load, Stack, running_stack, sigkill, wait_for
from tests.tiny_model import write_artifact

pytestmark = [pytest.mark.e2e, *([pytest.mark.timeout(3600)] if LONG else [])]
PRIMARY, BACKUP = SLOTS


def canary(stack: Stack, *arguments: str) -> str:
    return stack.run("python", "manage.py", "canary", *arguments).stdout


def refusal(stack: Stack, *arguments: str) -> str:
    done = stack.run("python", "manage.py", "canary", *arguments, check=False)
    assert done.returncode == 1, done.stdout
    assert "Traceback" not in done.stderr
    return done.stderr


def version_expected(image_id: str, percent: float) -> str:
    number = int(hashlib.sha256(image_id.encode()).hexdigest()[:16], 16) % 10_000
    return "new" if number < percent * 100 else "before"


def versions(stack: Stack, count: int = 40) -> dict[str, str]:
    """image_id → the version that answered it."""
    return {f"photo-{n}": stack.post(image_id=f"photo-{n}").headers["X-Model-Version"] for n in range(count)}


def expected(percent: float, count: int = 40) -> dict[str, str]:
    return {f"photo-{n}": version_expected(f"photo-{n}", percent) for n in range(count)}


@pytest.fixture
def new(tmp_path: Path) -> str:
    """An artifact that answers the opposite of "before"."""
    return str(write_artifact(tmp_path / "new", version="new", sign=-1))


@pytest.fixture
def stable(model_stack: Stack) -> Iterator[Stack]:
    """A stack whose servers serve "before"; what is left of a canary is aborted after the test."""
    yield model_stack
    if last_roll_out(model_stack)[0] in ("canary", "running"):
        canary(model_stack, "--abort")


def test_the_share_lands_sticks_grows_and_is_promoted(stable: Stack, new: str) -> None:
    canary(stable, new, "--percent", "30", "--reason", "dark rooms")
    assert versions(stable) == expected(30)
    assert versions(stable) == expected(30)
    answers = {version: stable.post(image_id=name).json()["result"] for name, version in expected(30).items()}
    assert sorted(answers.values()) == ["offline", "online"]
    canary(stable, "--percent", "60")
    assert versions(stable) == expected(60)
    report = canary(stable, "--report")
    assert "new: canary, answers 60 % of the requests" in report
    with Load(stable, clients=2) as load:
        load.wait_for_answers(10)
        assert canary(stable, "--promote").splitlines()[-1] == "new is active."
        load.wait_for_answers(10)
    assert load.failures == []
    assert set(versions(stable).values()) == served(stable) == pointers(stable) == {"new"}
    shares = stable.sql(
        "select distinct canary from Pm_prediction where model_version = 'new' and image_id = 'photo-9'"
    )
    assert set(shares) == {(1,), (None,)}


def test_an_abort_under_load_fails_no_request(stable: Stack, new: str) -> None:
    canary(stable, new, "--percent", "50")
    with Load(stable, clients=2) as load:
        load.wait_for_answers(20)
        canary(stable, "--abort", "--by", "bo", "--reason", "worse")
        ended = len(load.marks)
        load.wait_for_answers(10)
    assert load.failures == []
    assert {mark.version for mark in load.marks[:ended]} == {"before", "new"}
    assert {mark.version for mark in load.marks[ended + 2 :]} == {"before"}
    assert last_roll_out(stable) == ("undone", "bo aborted it: worse")
    assert served(stable) == pointers(stable) == {"before"}


def test_a_canary_that_crashes_costs_no_request_and_its_share_goes_back(stable: Stack, new: str) -> None:
    canary(stable, new, "--percent", "50")
    with Load(stable, clients=4) as load:
        load.wait_for_answers(20)

        share = stable.root / "var/models/.canary.json"
        while share.exists():
            victims = [*stable.children(BACKUP), *filter(None, [stable.pid(BACKUP)])]
            if share.exists():  # to ask for them takes a while; what is being given back is spared
                sigkill(*victims)
            time.sleep(0.2)  # supervisor gives up a program that cannot even start
        wait_for(lambda: last_roll_out(stable)[0] == "undone")
        ended = len(load.marks)
        load.wait_for_answers(10)
    assert load.failures == []
    assert {mark.version for mark in load.marks[ended + 4 :]} == {"before"}
    # A server that loads takes connections before it answers: on a slow machine that is a timeout.
    reason = r"the gateway aborted it: it failed 5 times in a row, at last with model_(unavailable|timeout): "
    assert re.match(reason, last_roll_out(stable)[1])
    stable.wait_ready()
    assert served(stable) == pointers(stable) == {"before"}


def test_without_the_primary_the_canary_answers_all(stable: Stack, new: str) -> None:
    canary(stable, new, "--percent", "10")
    with Load(stable, clients=2) as load:
        load.wait_for_answers(10)
        stable.ctl("stop", PRIMARY)
        load.wait_for_answers(20)
        assert set(versions(stable, 10).values()) == {"new"}
        stable.ctl("start", PRIMARY)
        stable.wait_ready()
    assert load.failures == []
    assert versions(stable) == expected(10)


@pytest.mark.parametrize("step", ["check", BACKUP, "share"])
def test_a_start_that_is_killed_is_undone_by_the_next(stable: Stack, new: str, step: str) -> None:
    command = ["python", "manage.py", "canary", new, "--percent", "50"]
    process = subprocess.Popen(
        command, cwd=stable.root, env=stable.env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    wait_for_line(process, f"-- {step}")
    kill(process)
    said = canary(stable, "--abort")
    assert said.splitlines()[-1].split(": ")[1].startswith("refused" if step == "check" else "undone")
    assert served(stable) == pointers(stable) == {"before"}
    assert set(versions(stable, 10).values()) == {"before"}


def test_a_shadow_compares_and_changes_no_answer(stable: Stack, new: str) -> None:
    canary(stable, new, "--shadow", "--percent", "50")
    with Load(stable, clients=2) as load:
        load.wait_for_answers(40)
        wait_for(lambda: stable.sql("select count(*) from Pm_comparison")[0][0] >= 5)
        sigkill(*stable.children(BACKUP))
        load.wait_for_answers(20)
    assert load.failures == []
    assert {mark.version for mark in load.marks} == {"before"}
    assert len({text.split('"result":')[1] for _, text in load.answers}) == 1
    rows = stable.sql("select image_id, agrees, stable_result, shadow_result from Pm_comparison where error_code = ''")
    assert {version_expected(image_id, 50) for image_id, *_ in rows} == {"new"}
    assert {agrees for _, agrees, *_ in rows} == {0}
    assert {one != other for _, _, one, other in rows} == {True}
    assert "They agree on 0 of " in canary(stable, "--report")


def test_a_stopped_pm_is_told_and_one_that_starts_again_keeps_its_canary(stable: Stack, new: str) -> None:
    canary(stable, new, "--percent", "50")
    stable.run("python", "-m", "server.stack", "down")
    stable.run("python", "-m", "server.stack", "up")
    assert versions(stable) == expected(50)
    stable.run("python", "-m", "server.stack", "down")
    assert "resnet_server2 does not run: its next start serves before" in canary(stable, "--abort")
    assert "resnet_server1 does not serve, and a canary needs both servers: start Pm" in refusal(stable, new)
    stable.run("python", "-m", "server.stack", "up")
    assert set(versions(stable).values()) == served(stable) == {"before"}


def test_the_share_is_exact_also_where_both_servers_share_the_load(tmp_path: Path, make: Make, new: str) -> None:
    with running_stack(tmp_path, CLIENT_RATE_PER_S="0", MODEL_BALANCE="both") as stack:
        deploy(stack, make("before"))
        canary(stack, new, "--percent", "30")
        assert versions(stack) == expected(30)
        canary(stack, "--abort")
        assert set(versions(stack).values()) == {"before"}
