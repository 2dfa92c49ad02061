"""Killed, stopped and restarted parts under load: every client gets its answer, and every answer is on record."""

from pathlib import Path

import pytest
import requests

from tests.e2e.stack import Load, Stack, sigkill, wait_for

pytestmark = pytest.mark.e2e


def answered_ids(load: Load) -> set[str]:
    """The image_ids that a client saw answered with 200."""
    import json

    return {json.loads(text)["image_id"] for status, text in load.answers if status == requests.codes.ok}


def recorded_ids(stack: Stack) -> set[str]:
    """The image_ids that the database holds with a result."""
    return {row[0] for row in stack.sql("select image_id from Pm_prediction where result <> ''")}


def is_ready_without(stack: Stack, server: str) -> bool:
    """Whether /readyz says so; a busy machine's other server may miss the second that it has to answer."""
    reply = requests.get(f"{stack.url}/readyz", timeout=10)
    return (reply.status_code, reply.json().get("checks", {}).get(server)) == (200, "unreachable")


def test_a_killed_primary_costs_no_request(stack: Stack) -> None:
    with Load(stack, clients=6) as load:
        load.wait_for_answers(10)
        sigkill(*stack.children("resnet_server1"))
        load.wait_for_answers(20)
        master = stack.pid("resnet_server1")
        sigkill(*stack.children("resnet_server1"), master)
        load.wait_for_answers(30)
    assert load.failures == []
    assert {text.split('"result":')[1] for _, text in load.answers} == {'"online"}'}
    assert answered_ids(load) <= recorded_ids(stack)
    wait_for(lambda: stack.pid("resnet_server1") not in (0, master))


def test_a_killed_gateway_worker_costs_no_request(stack: Stack) -> None:
    for _ in range(3):
        with Load(stack, clients=6) as load:  # a load a kill: who meets two is told 503
            load.wait_for_answers(10)
            sigkill(stack.children("main_server")[0])
            load.wait_for_answers(20)
        assert load.failures == []
        assert answered_ids(load) <= recorded_ids(stack)


def test_a_stopped_backup_and_then_a_stopped_primary_cost_no_request(stack: Stack) -> None:
    with Load(stack, clients=4) as load:
        for server in ("resnet_server2", "resnet_server1"):
            stack.ctl("stop", server)
            load.wait_for_answers(15)
            port = stack.ports["model1" if server == "resnet_server1" else "model2"]
            wait_for(lambda port=port: is_ready_without(stack, f"127.0.0.1:{port}"))  # type: ignore[misc]
            stack.ctl("start", server)
            stack.wait_ready()
    assert load.failures == []


def test_stopping_the_whole_stack_finishes_what_is_in_flight(stack: Stack) -> None:
    """A connection that nginx has accepted is answered; one that comes later is refused, never cut off.

    One that the system took for nginx, and that nginx had not yet accepted, is reset: nobody has seen its request.
    """
    query = "select count(*), coalesce(sum(result <> ''), 0) from Pm_prediction"
    (before,) = stack.sql(query)
    with Load(stack, clients=6) as load:
        load.wait_for_answers(12)
        stack.run("python", "-m", "server.stack", "down")
    assert {status for status, _ in load.failures} <= {0}
    assert all("Connection refused" in text or "Connection reset" in text for _, text in load.failures)
    stack.run("python", "-m", "server.stack", "up")
    (after,) = stack.sql(query)
    answered = len(load.answers) - len(load.failures)
    greeting = 1  # "up" posts the sample
    assert [now - then for now, then in zip(after, before, strict=True)] == [answered + greeting] * 2


def test_restarting_the_gateway_finishes_what_is_in_flight(stack: Stack) -> None:
    with Load(stack, clients=6) as load:
        load.wait_for_answers(12)
        stack.ctl("restart", "main_server")
        load.wait_for_answers(12)
    # Between the old gateway and the new one nginx answers 503 with Retry-After; nobody is cut off.
    assert {status for status, _ in load.failures} <= {503}
    assert answered_ids(load) <= recorded_ids(stack)


def test_a_killed_nginx_master_is_followed_by_the_next(stack: Stack) -> None:
    master = stack.pid("nginx")
    sigkill(master)
    wait_for(lambda: stack.pid("nginx") not in (0, master))
    stack.wait_ready()
    assert stack.post().status_code == 200


def test_a_killed_supervisord_takes_its_programs_along_and_the_next_start_works(stack: Stack) -> None:
    supervisord = int(stack.ctl("pid"))
    programs = [stack.pid(name) for name in stack.states()]
    sigkill(supervisord)
    wait_for(lambda: not any(is_running(pid) for pid in programs))
    stack.run("python", "-m", "server.stack", "up")
    assert stack.post().status_code == 200


def is_running(pid: int) -> bool:
    """Whether a process exists and is no zombie."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_killing_everything_loses_no_recorded_answer(stack: Stack) -> None:
    with Load(stack, clients=6) as load:
        load.wait_for_answers(20)
        for program in ("nginx", "main_server", "resnet_server1", "resnet_server2"):
            master = stack.pid(program)
            sigkill(master, *stack.children(program))
        wait_for(lambda: set(stack.states().values()) == {"RUNNING"})
        stack.wait_ready()
        load.wait_for_answers(12)
    assert answered_ids(load) <= recorded_ids(stack)
    assert stack.post().status_code == 200
