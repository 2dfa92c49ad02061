"""The benchmark: every case in its own process, by turns; and one sentence when one cannot run."""

import random
from pathlib import Path

import pytest

from tests.tiny_model import write_artifact
from tests.training.shades import write_shades
from training.errors import TrainingError
from training.serving.artifact import read_artifact
from training.speed.benchmark import Case, Worker, benchmark, cases_of, started
from training.speed.results import prepare

ONNX = ["onnxruntime", "openvino"]


def test_every_artifact_meets_every_engine_that_runs_it(trained: Path, exported: Path) -> None:
    cases = cases_of([trained, exported], ["pytorch", *ONNX], threads=[1, 2, 1], batches=[8, 1])
    assert len(cases) == (1 + 2) * 2 * 2
    assert {case.engine for case in cases if case.variant == trained.name} == {"pytorch"}
    assert {(case.threads, case.batch) for case in cases} == {(1, 1), (1, 8), (2, 1), (2, 8)}


def test_an_artifact_that_no_asked_engine_runs_is_left_out_aloud(
    trained: Path, exported: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert {case.manifest.folder for case in cases_of([trained, exported], ONNX, [1], [1])} == {exported}
    left_out = f"left out: {trained}; model.pth does not run in onnxruntime, openvino\n"
    assert capsys.readouterr().out == left_out


def test_artifacts_of_one_name_are_told_apart_by_their_paths(tmp_path: Path) -> None:
    paths = [write_artifact(tmp_path / name / "int8") for name in ("old", "new")]
    assert [case.variant for case in cases_of(paths, ["openvino"], [1], [1])] == [str(path) for path in paths]


@pytest.mark.parametrize(
    ("engines", "twice", "sentence"),
    [
        (["pytorch:cuda"], False, r"^There is no engine pytorch:cuda; choose of .*, onnxruntime:cuda, "),
        (["tvm"], False, r"^There is no engine tvm; choose of openvino, onnxruntime, "),
        (["pytorch"], False, r"^None of these artifacts runs in pytorch; "),
        (ONNX, True, r"^An artifact is named twice; name each once\.$"),
    ],
)
def test_what_cannot_be_measured_is_refused(engines: list[str], twice: bool, sentence: str, tmp_path: Path) -> None:
    artifact = write_artifact(tmp_path / "tiny")
    with pytest.raises(TrainingError, match=sentence):
        cases_of([artifact] * (2 if twice else 1), engines, [1], [1])


def test_rows_hold_latency_throughput_sizes_and_accuracy(tmp_path: Path) -> None:
    artifact = write_artifact(tmp_path / "tiny")
    data = write_shades(tmp_path / "photos", [100, 140], [200, 210])
    cases = cases_of([artifact], ["onnxruntime"], [1], [1, 3])
    rows = benchmark(cases, rounds=2, runs=4, data=data, cache=tmp_path / "cache")
    assert [(row.variant, row.engine, row.threads, row.batch) for row in rows] == [
        ("tiny", "onnxruntime", 1, 1), ("tiny", "onnxruntime", 1, 3),
    ]  # fmt: skip
    for row in rows:
        assert 0 < row.p50_ms <= row.p95_ms <= row.p99_ms
        assert row.images_per_s > 0
        assert row.mean_accuracy == 0.75
        assert row.file_mb == pytest.approx((artifact / "model.onnx").stat().st_size / 1e6, abs=1e-3)
        assert 20 < row.peak_mb < 400  # its own, not this process's, which holds torch


def test_all_cases_run_in_turn(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    order: list[int] = []

    class Fake:
        def __init__(self, case: Case) -> None:
            self.case, self.times, self.peak_mb = case, list[float](), 1.0

        def load(self) -> None:
            order.append(-1)

        def run(self, runs: int) -> None:
            order.append(self.case.batch)
            self.times += [float(self.case.batch)] * runs

        def end(self) -> None:
            order.append(0)

    monkeypatch.setattr("training.speed.benchmark.Worker", Fake)
    cases = cases_of([write_artifact(tmp_path / "tiny")], ["openvino"], [1], [1, 2, 4])
    rows = benchmark(cases, rounds=3, runs=5)
    expected = random.Random(0)
    turns = [batch for _ in range(3) for batch in expected.sample([1, 2, 4], 3)]
    assert order == [-1, -1, -1, *turns, 0, 0, 0]
    assert [row.p50_ms for row in rows] == [1, 2, 4]
    assert [row.images_per_s for row in rows] == [1000, 1000, 1000]
    assert rows[0].mean_accuracy is None


def test_an_engine_that_cannot_load_ends_all_in_one_sentence(tmp_path: Path) -> None:
    artifact = write_artifact(tmp_path / "tiny")
    cases = cases_of([artifact], ["onnxruntime"], [1], [1])
    (artifact / "model.onnx").write_bytes(b"half")
    with pytest.raises(TrainingError, match=r"^tiny in onnxruntime: .*model\.onnx is damaged: "), started(cases):
        pass


def test_a_process_that_dies_is_said(tmp_path: Path) -> None:
    case = Case("tiny", read_artifact(write_artifact(tmp_path / "tiny")), "onnxruntime", 1, 1)
    worker = Worker(case)
    worker.load()
    worker.process.kill()
    with pytest.raises(TrainingError, match=r"^tiny in onnxruntime: its process was ended by SIGKILL "):
        worker.run(1)
    worker.end()


def test_a_process_that_does_not_start_is_said_with_its_last_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "numpy.py").write_text("raise ImportError('no such library')")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))  # the user's own, where GPU builds may lie
    cases = cases_of([write_artifact(tmp_path / "tiny")], ["onnxruntime"], [1], [1])
    words = r"^tiny in onnxruntime: its process ended: ImportError: no such library$"
    with pytest.raises(TrainingError, match=words), started(cases):
        pass


def test_what_an_engine_says_of_a_model_that_does_not_run_is_passed_on(tmp_path: Path) -> None:
    artifact, odd = write_artifact(tmp_path / "tiny"), write_artifact(tmp_path / "odd")
    cases = cases_of([artifact, odd], ["onnxruntime"], [1], [1])
    other = {"height": 64, "width": 64, "pixel_format": "RGB", "mean": [0.5] * 3, "std": [0.2] * 3}
    write_artifact(odd, input=other)
    with pytest.raises(TrainingError, match=r"odd/model\.onnx cannot be run: "):
        cases_of([artifact, odd], ["onnxruntime"], [1], [1])
    with pytest.raises(TrainingError, match=r"^odd in onnxruntime: .*Got invalid dimensions for input"), started(cases):
        pass


def test_a_folder_that_nothing_can_be_written_to_is_said_before(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for out in (tmp_path / "file", Path("/proc/self")):
        with pytest.raises(TrainingError, match=rf"^{out} cannot be written \(.*\); name another place\.$"):
            prepare(out)
