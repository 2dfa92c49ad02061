import io
import json
import threading
import time
from collections import Counter
from pathlib import Path

import pytest

from benchmarks import in_process
from benchmarks.errors import BenchmarkError
from benchmarks.in_process import Side, measure, right_share, timed_ms, whole_passes
from resnet_server.predictor import Predictor
from tests.e2e.stack import SAMPLE
from tests.pictures import encode, screen


def test_our_sides_classify_with_the_default_model() -> None:
    assert in_process.ours(alone=True)(SAMPLE) == in_process.ours(alone=False)(SAMPLE) == 1
    for side in (Side.OURS, Side.PILLOW, Side.LOOP, Side.PILLOW_LOOP):
        found = measure(side, [SAMPLE, encode(screen(320, 240))], 0)
        assert found["photos"] == 2  # one whole pass
        assert found["mean_ms"] > 0
        assert found["p50_ms"] > 0
        assert found["per_s"] > 0


def test_each_photo_comes_equally_often_whoever_takes_it() -> None:
    photos, taken = [b"a", b"b", b"c"], Counter[bytes]()
    started = time.perf_counter()

    def classify(photo: bytes) -> int:
        taken[photo] += 1
        return 0

    times_ms = timed_ms(classify, whole_passes(photos, 0.05), 3)
    assert time.perf_counter() - started >= 0.05
    assert len(set(taken.values())) == 1
    assert taken.total() == len(times_ms) > 3


def test_a_loop_has_as_many_photos_at_work_as_it_is_told() -> None:
    together = threading.Barrier(3, timeout=30)
    assert len(timed_ms(lambda _: together.wait() * 0, iter([b"photo"] * 9), 3)) == 9


def test_a_photo_that_cannot_be_classified_ends_the_loop() -> None:
    with pytest.raises(ZeroDivisionError):
        timed_ms(lambda photo: 1 // len(photo), iter([b"a", b""]), 2)


def test_the_loop_with_pillow_decodes_nothing_by_ourselves(monkeypatch: pytest.MonkeyPatch) -> None:
    classify = in_process.classifier(Side.PILLOW_LOOP)
    monkeypatch.setattr(Predictor, "preprocess", None)
    assert classify(SAMPLE) == 1


def test_the_documented_side_classifies_a_picture() -> None:
    from benchmarks.documented.app import predict

    assert predict(io.BytesIO(SAMPLE)) in (0, 1)


def test_the_documented_service_answers_0_or_1(tmp_path: Path) -> None:
    from benchmarks.documented.app import app

    (tmp_path / "sample.png").write_bytes(SAMPLE)
    reply = app.test_client().post("/v1/is_online/", json={"image_path": str(tmp_path / "sample.png")})
    assert reply.text in ("0", "1")


def test_no_photos_are_an_error() -> None:
    with pytest.raises(BenchmarkError):
        measure(Side.OURS, [], 0)
    with pytest.raises(BenchmarkError):
        right_share(lambda _: 0, [], 0)


def test_the_share_that_is_right_counts_photos() -> None:
    assert right_share(lambda data: len(data) % 2, [b"", b"1", b"22", b"4444"], 0) == 0.75


def test_the_command_prints_one_line_of_json(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "0000").write_bytes(SAMPLE)
    in_process.main(Side.OURS, tmp_path, seconds=0)
    assert set(json.loads(capsys.readouterr().out)) == {"photos", "mean_ms", "p50_ms", "cpu_ms", "per_s"}
    in_process.main(Side.OURS, tmp_path, label=1)
    assert json.loads(capsys.readouterr().out) == {"right": 1.0}
