import base64

import pytest

from benchmarks.book import Book
from benchmarks.peers import classify
from benchmarks.peers.__main__ import DECODERS, SetUp, bench_peers, beside, overview, rows, set_ups
from benchmarks.peers.classify import Classifier
from benchmarks.wrk import Load
from tests.e2e.stack import SAMPLE

OURS_INSIDE = DECODERS["pm"]


def load(clients: int, answered: int) -> Load:
    latency = {"p50": 10.0, "p95": 20.0, "p99": 30.0}
    return Load(clients, 1.0, {"200": answered}, {}, latency, 0, 0, answered, 1.0, 0.1, "wrk")


def test_each_peer_is_tried_with_one_model_on_all_cores_and_with_one_a_core() -> None:
    found = list(map(str, set_ups(["mosec", "ray"], 2)))
    assert found[:4] == ["mosec, pillow, 1 × 2", "mosec, pillow, 2 × 1", "ray, pillow, 1 × 2", "ray, pillow, 2 × 1"]
    assert found[4:] == ["mosec, pm, 1 × 2", "mosec, pm, 2 × 1", "ray, pm, 1 × 2", "ray, pm, 2 × 1"]
    assert list(map(str, set_ups(["ray"], 1))) == ["ray, pillow, 1 × 1", "ray, pm, 1 × 1"]


def test_our_stack_is_held_against_the_best_peer_of_each_load_as_measured_in_the_same_minutes() -> None:
    book, measured = Book(), [SetUp("mosec", 1, 2, "pm"), SetUp("mosec", 2, 1, "pm")]
    one_model, one_a_core = measured
    numbers = (
        (beside(one_model), 33, 20),
        ("mosec, pm, 1 × 2", 30, 10),
        (beside(one_a_core), 99, 44),
        ("mosec, pm, 2 × 1", 40, 44),
    )
    for name, one, eight in numbers:
        book.add_load(name, load(1, one))
        book.add_load(name, load(8, eight))
    found = [(row.what, row.first, row.second, round(row.value, 3), row.met, row.note) for row in rows(book, measured)]
    assert found == [
        (f"stack ÷ best peer {OURS_INSIDE}, 1 client", 33, 30, 1.1, True, "the best: mosec, pm, 1 × 2"),
        (f"stack ÷ best peer {OURS_INSIDE}, 8 clients", 44, 44, 1.0, False, "the best: mosec, pm, 2 × 1"),
    ]
    assert overview(book, measured).row_count == 2


def test_a_peer_that_nobody_knows_is_an_error() -> None:
    with pytest.raises(Exception, match=r"flask is none of fastapi, litserve, bentoml, mosec, ray\."):
        bench_peers(["flask"])


@pytest.mark.parametrize("decoder", DECODERS)
def test_peers_answer_the_two_keys(monkeypatch: pytest.MonkeyPatch, decoder: str) -> None:
    monkeypatch.setattr(classify, "DECODER", decoder)
    classifier = Classifier(threads=1)
    expected = {"image_id": "12345", "result": "online"}
    assert classifier.answer("12345", str(base64.b64encode(SAMPLE))) == expected
