"""prune, distill and benchmark, as a person calls them; what they write goes through export like any other."""

from pathlib import Path

import pytest
import torch

from resnet_server.manifest import load_manifest
from tests.tiny_model import write_artifact
from training.__main__ import app
from training.errors import TrainingError
from training.serving.convert import export_artifact

Captured = pytest.CaptureFixture[str]
SMALL = ("--epochs", 1, "--batch", 16, "--threads", 1, "--precision", "float32")


def run(*arguments: object) -> None:
    app([str(each) for each in arguments], standalone_mode=False)


def test_the_documented_pruning_prints_every_layer_and_that_it_makes_nothing_faster(
    trained: Path, tmp_path: Path, capfd: Captured
) -> None:
    run("prune", trained, tmp_path / "sparse")
    lines = capfd.readouterr().out.splitlines()
    assert lines[0].split() == ["layer", "weights", "zeros", "share"]
    assert [line.split()[0] for line in lines[1:32]] == [*(line.split()[0] for line in lines[1:31]), "all"]
    assert lines[31].split()[1:] == ["10,996,736", "4,948,531", "45.0%"]
    assert "the difference lies between" in lines[32]
    assert lines[32].endswith("A zero is multiplied like any number: only channels that are gone (--speed-up) help")
    assert lines[-1] == f"next: python -m training export {tmp_path / 'sparse'} FLOAT --data DATA"


def test_the_times_of_a_pruning_are_of_the_threads_that_were_asked_for(
    trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[int] = []
    monkeypatch.setattr(torch, "set_num_threads", asked.append)
    run("prune", trained, tmp_path / "sparse", "--threads", 3)
    assert asked[0] == 3


def test_structured_pruning_trains_on_and_ends_as_an_artifact(
    trained: Path, divided: Path, tmp_path: Path, capfd: Captured
) -> None:
    out, cache = tmp_path / "slim", ("--cache", tmp_path / "cache")
    run("prune", trained, out, "--speed-up", 2, "--data", divided, *SMALL, *cache)
    printed = capfd.readouterr().out
    assert "FLOPs " in printed
    assert "times fewer)" in printed
    assert "Epoch 1/1" in printed
    assert printed.splitlines()[-1] == f"next: python -m training evaluate {out} {divided} --part val"
    manifest, parent = load_manifest(out), load_manifest(trained)
    assert manifest.document["made_by"]["parent"] == parent.version
    assert manifest.document["name"] == parent.document["name"]
    assert manifest.weights.stat().st_size < 0.7 * parent.weights.stat().st_size
    assert {"history.csv", "curves.png"} <= {file.name for file in out.iterdir()}
    export_artifact(out, tmp_path / "float", divided, tmp_path / "cache")
    with pytest.raises(TrainingError, match=r"was begun with weights .* not .*; resume with what it was begun with"):
        run("prune", trained, out, "--ratio", 0.5, "--data", divided, "--resume", *SMALL, *cache)
    with pytest.raises(TrainingError, match=r"was begun with teacher temperature 2\.0 and alpha 1\.0, not none; "):
        run("prune", trained, out, "--speed-up", 2, "--alpha", 0, "--data", divided, "--resume", *SMALL, *cache)


def test_a_student_is_trained_and_resumed_with_its_teacher_only(
    trained: Path, divided: Path, tmp_path: Path, capfd: Captured
) -> None:
    out = tmp_path / "student"
    smaller = ("--architecture", "mobilenet_v2", "--weights", "none", "--channels", 0.5)
    student = (*smaller, *SMALL, "--cache", tmp_path / "cache")
    run("distill", trained, divided, out, *student)
    assert capfd.readouterr().out.splitlines()[-1] == f"next: python -m training evaluate {out} {divided} --part val"
    manifest, teacher = load_manifest(out), load_manifest(trained)
    assert (manifest.architecture, manifest.height, manifest.width) == ("mobilenet_v2", teacher.height, teacher.width)
    assert manifest.document["made_by"]["parent"] == teacher.version
    before = torch.load(manifest.weights, weights_only=True)
    assert before["classifier.1.weight"].shape == (2, 640)  # of 1,280
    run("distill", trained, divided, out, *student, "--resume")  # is done: nothing changes
    after = torch.load(manifest.weights, weights_only=True)
    assert all(torch.equal(before[name], after[name]) for name in before)
    with pytest.raises(TrainingError, match=r"was begun with teacher .*temperature 4\.0"):
        run("distill", trained, divided, out, *student, "--resume", "--temperature", 2)
    with pytest.raises(TrainingError, match=r"was begun with (parent|teacher) .*, not none; resume with what it was"):
        run("train", divided, out, *student, "--resume", "--height", 48, "--width", 40)


@pytest.mark.parametrize(
    ("given", "flops", "fewer"),
    [
        ((), "180,738,048", ""),
        (("--architecture", "resnet34"), "356,505,600", ""),
        (("--channels", 0.5), "47,442,944", "(3.81 times fewer)"),
        (("--height", 40, "--width", 32), "109,307,904", "(1.65 times fewer)"),
    ],
)
def test_what_a_student_costs_is_told_and_where_it_is_no_less(
    given: tuple[object, ...],
    flops: str,
    fewer: str,
    trained: Path,
    divided: Path,
    tmp_path: Path,
    capfd: Captured,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("training.learning.train.train_run", lambda *_, **__: None)
    run("distill", trained, divided, tmp_path / "student", *given)
    lines = capfd.readouterr().out.splitlines()
    assert lines[0] == "teacher → student, one picture:"
    assert lines[1].split() == ["FLOPs", "180,738,048", "→", flops, *fewer.split()]
    assert lines[2].split()[:2] == ["parameters", "11,177,538"]
    no_faster = "the student works as much as its teacher or more, and will be no faster; give --channels below 1"
    assert [line.split(", a smaller")[0] for line in lines[3:]] == ([] if fewer else [no_faster])


def test_benchmark_prints_a_table_writes_it_and_recommends(tmp_path: Path, capfd: Captured) -> None:
    artifact = write_artifact(tmp_path / "tiny")
    out = tmp_path / "report"
    few = ("--engine", "onnxruntime", "--threads", 1, "--batch", 1, "--rounds", 2, "--runs", 2)
    run("benchmark", artifact, "--out", out, *few)
    text = capfd.readouterr().out
    assert "p99 ms" in text
    assert f"wrote {out / 'benchmark.csv'}" in text
    assert text.splitlines()[-1].startswith("On this machine (")
    assert "serve tiny by onnxruntime with 1 thread(s)" in text


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        (("--epochs", 3), r"^--epochs is for channels that go; give --speed-up or --ratio too, or leave it out\.$"),
        (("--resume",), r"^--resume is for channels that go; "),
        (("--ratio", 0.5, "--data", "photos", "--amount", 0.3), r"^--amount is for weights that become zeros; leave "),
    ],
)
def test_options_of_the_other_kind_of_pruning_are_refused(
    given: tuple[object, ...], sentence: str, trained: Path, tmp_path: Path
) -> None:
    with pytest.raises(TrainingError, match=sentence):
        run("prune", trained, tmp_path / "out", *given)
    assert not (tmp_path / "out").exists()


def test_a_student_that_cannot_be_leaves_no_folder(trained: Path, divided: Path, tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match=r"--channels 1\.5 is no share"):
        run("distill", trained, divided, tmp_path / "out", "--channels", 1.5, *SMALL, "--cache", tmp_path / "cache")
    assert not (tmp_path / "out").exists()


def test_a_folder_that_holds_a_run_is_refused_before_pictures_are_decoded(
    trained: Path, divided: Path, tmp_path: Path
) -> None:
    with pytest.raises(TrainingError, match="is not empty; name another folder"):
        run("distill", trained, divided, trained, *SMALL, "--cache", tmp_path / "cache")
    assert not (tmp_path / "cache").exists()
