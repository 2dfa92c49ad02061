"""The command line, as a person starts it: every step in its order, and one sentence for whatever is wrong."""

import errno
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from tests.training.noise import picture, write_pictures

ROOT = Path(__file__).resolve().parents[2]
STEPS = (
    *("analyze", "split", "augment"),
    *("train", "cross-validate", "calibrate"),
    *("summary", "evaluate", "predict", "compare"),
    *("export", "quantize", "package", "verify"),
    *("prune", "distill", "benchmark", "engine"),
)
SMALL = ("--weights", "none", "--height", "48", "--width", "40", "--epochs", "2", "--batch", "4", "--threads", "1")


def run(*arguments: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "training", *map(str, arguments)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


@pytest.fixture
def printed(end: Callable[..., object], capfd: pytest.CaptureFixture[str]) -> Callable[..., str]:
    """Runs one step that succeeds, and returns what it prints."""

    def printed(*arguments: object) -> str:
        assert end(*arguments) == 0
        return capfd.readouterr().out

    return printed


def test_help_lists_the_steps_in_the_order_of_the_pipeline() -> None:
    text = run("--help").stdout
    places = [text.index(f"│ {step} ") for step in STEPS]
    assert places == sorted(places)


@pytest.mark.parametrize("step", STEPS)
def test_every_step_has_help(step: str) -> None:
    answer = run(step, "--help")
    assert answer.returncode == 0
    assert f"python -m training {step}" in answer.stdout


@pytest.mark.parametrize("ending", [signal.SIGTERM, signal.SIGHUP])
def test_who_is_told_to_end_leaves_nothing_half_written(
    trained: Path, folder: Path, tmp_path: Path, ending: signal.Signals
) -> None:
    (tmp_path / "tmp").mkdir()
    (tmp_path / "out").mkdir()
    command = [sys.executable, "-m", "training", "export", str(trained), str(tmp_path / "out" / "float")]
    command += ["--data", str(folder), "--cache", str(tmp_path / "cache")]
    with subprocess.Popen(command, cwd=ROOT, env=os.environ | {"TMPDIR": str(tmp_path / "tmp")}) as process:
        while process.poll() is None and not any((tmp_path / "tmp").glob("*/model.onnx")):
            time.sleep(0.01)
        process.send_signal(ending)
    assert process.returncode == 128 + ending
    assert [*(tmp_path / "tmp").glob("*/model.onnx"), *(tmp_path / "out").iterdir()] == []


@pytest.mark.parametrize("step", ["export --data", "quantize", "prune --data"])
def test_nothing_is_written_into_the_pictures(step: str, divided: Path, request: pytest.FixtureRequest) -> None:
    name, *option = step.split()
    artifact, out = (
        request.getfixturevalue("exported" if name == "quantize" else "trained"),
        divided / "train/offline/a",
    )
    order = [artifact, divided, out] if name == "quantize" else [artifact, out, *option, divided]
    answer = run(name, *order)
    assert (answer.returncode, answer.stderr) == (
        1,
        f"error: {out} lies inside {divided}; name a folder outside of the data.\n",
    )
    assert not out.exists()


def test_from_raw_photos_to_a_served_model(tmp_path: Path, printed: Callable[..., str]) -> None:
    """The walk of docs/training.md, small: each step says what it wrote, and the next one takes it."""
    photos, cache = write_pictures(tmp_path / "photos", 24), ("--cache", tmp_path / "cache")
    for number, file in enumerate(sorted((photos / "offline").iterdir())):
        if number % 3 == 0:
            file.unlink()  # fewer rooms than screens, as in the documents
    (photos / "manifest.csv").unlink()
    assert "16 offline, 24 online" in printed("analyze", photos, "--out", tmp_path / "analysis")
    assert "the classes balance" in printed("augment", photos, tmp_path / "balanced")
    assert "wrote" in printed("split", tmp_path / "balanced", tmp_path / "split")
    trained = printed("train", tmp_path / "split", tmp_path / "run", *SMALL, *cache)
    assert "Epoch 2/2\n----------\ntrain Loss: " in trained
    assert "Best val Acc: " in trained
    assert f"wrote {tmp_path / 'run'}\nnext: python -m training evaluate" in trained
    exported = printed("export", tmp_path / "run", tmp_path / "float", "--data", tmp_path / "split", *cache)
    assert "PyTorch, ONNX Runtime and OpenVINO agree within" in exported
    quantized = printed(
        "quantize", tmp_path / "float", tmp_path / "split", tmp_path / "int8", "--max-drop", 100, *cache
    )
    assert "mean accuracy " in quantized
    judged = printed(
        *("evaluate", tmp_path / "int8", tmp_path / "split", "--out", tmp_path / "report"),
        *("--against", tmp_path / "float", *cache),
    )
    assert "mean of both" in judged
    metrics = ("--metrics", tmp_path / "report" / "metrics.json")
    printed("package", tmp_path / "int8", tmp_path / "artifact", "--name", "walked", *metrics)
    assert f"{tmp_path / 'artifact'} can be served" in printed("verify", tmp_path / "artifact")
    one = next((photos / "online").iterdir())
    assert printed("predict", tmp_path / "artifact", one).split()[0] in {"offline", "online"}
    table = printed("predict", tmp_path / "artifact", photos)
    assert len(table.splitlines()) == 1 + 40


@pytest.mark.parametrize(
    "step", ["export --data", "quantize", "prune", "prune --speed-up 2 --data", "train", "distill"]
)
def test_an_output_that_cannot_be_written_is_refused_before_the_work(
    step: str,
    trained: Path,
    exported: Path,
    tmp_path: Path,
    end: Callable[..., object],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    (tmp_path / "file").touch()
    out, photos = tmp_path / "file" / "out", write_pictures(tmp_path / "photos", 2)
    name, *options = step.split()
    orders = {
        "train": [photos, out],
        "distill": [trained, photos, out],
        "quantize": [exported, photos, out],
    }
    monkeypatch.chdir(tmp_path)  # where the default cache would be made
    order = orders.get(name, [trained, out, *options, *([photos] if options else [])])
    assert end(name, *order) == f"error: {out} cannot be written (Not a directory); name another place."
    assert sorted(file.name for file in tmp_path.iterdir()) == ["file", "photos"]


@pytest.fixture(scope="module")
def bad(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folders and files that no step can use."""
    root = tmp_path_factory.mktemp("bad")
    (root / "file").write_bytes(b"no folder")
    (root / "no-photos" / "offline").mkdir(parents=True)
    (root / "no-photos" / "online").mkdir()
    (root / "one-class" / "offline").mkdir(parents=True)
    for part in ("train", "val"):
        (root / "one-class" / part / "offline").mkdir(parents=True)
    picture(0, 0).save(root / "one-class" / "offline" / "one.png")
    write_pictures(root / "photos", 4)
    (root / "corrupt.pth").write_bytes(b"PK no weights")
    torch.save({"features.0.weight": torch.zeros(2)}, root / "vgg.pth")
    (root / "metrics.json").write_text("[]", encoding="utf-8")
    (root / "corrupt").mkdir()
    (root / "corrupt" / "manifest.json").write_text("{", encoding="utf-8")
    return root


DEFAULT = ROOT / "resnet_server" / "default_model"
WRONG = [
    ("analyze", "absent", "--out", "OUT"),
    ("analyze", "file", "--out", "OUT"),
    ("analyze", "no-photos", "--out", "OUT"),
    ("split", "file", "OUT"),
    ("split", "one-class", "OUT"),
    ("split", "no-photos", "OUT"),
    ("split", "photos", "file"),
    ("split", "photos", "OUT", "--test", "1.5"),
    ("augment", "absent", "OUT"),
    ("augment", "one-class", "OUT"),
    ("augment", "photos", "photos"),
    ("train", "absent", "OUT", *SMALL),
    ("train", "file", "OUT", *SMALL),
    ("train", "no-photos", "OUT", *SMALL),
    ("train", "one-class", "OUT", *SMALL),
    ("train", "photos", "OUT", *SMALL, "--batch", "64"),
    ("train", "photos", "OUT", *SMALL, "--architecture", "vgg16"),
    ("train", "photos", "OUT", *SMALL, "--recipe", "best"),
    ("train", "photos", "OUT", *SMALL, "--precision", "int1"),
    ("train", "photos", "OUT", *SMALL, "--weights", "corrupt.pth"),
    ("train", "photos", "OUT", *SMALL, "--weights", "vgg.pth"),
    ("train", "photos", "OUT", *SMALL, "--weights", "absent.pth"),
    ("train", "photos", "file", *SMALL),
    ("cross-validate", "one-class", "OUT", "--threads", "1"),
    ("cross-validate", "photos", "OUT", "--fold", "9"),
    ("calibrate", "absent"),
    ("summary", "vgg16"),
    ("summary", "absent"),
    ("evaluate", "absent", "photos", "--out", "OUT"),
    ("evaluate", DEFAULT, "--out", "OUT"),
    ("evaluate", DEFAULT, "one-class", "--out", "OUT"),
    ("evaluate", "corrupt", "photos", "--out", "OUT"),
    ("evaluate", DEFAULT, "photos", "--out", "OUT", "--against", "corrupt"),
    ("predict", DEFAULT, "absent"),
    ("predict", DEFAULT, "file"),
    ("predict", "corrupt", "file"),
    ("compare", "photos", "OUT", "--architecture", "vgg16"),
    ("compare", "file", "OUT", "--architecture", "resnet18"),
    ("export", "corrupt", "OUT", "--data", "photos"),
    ("export", DEFAULT, "OUT", "--data", "photos"),
    ("export", "file", "OUT", "--data", "photos"),
    ("quantize", "corrupt", "photos", "OUT"),
    ("quantize", DEFAULT, "one-class", "OUT"),
    ("quantize", DEFAULT, "absent", "OUT"),
    ("export", DEFAULT, "OUT", "--data", "absent"),
    ("prune", "corrupt", "OUT"),
    ("prune", DEFAULT, "OUT", "--amount", "2"),
    ("prune", DEFAULT, "OUT", "--speed-up", "2"),
    ("prune", DEFAULT, "OUT", "--speed-up", "2", "--ratio", "0.3", "--data", "photos"),
    ("prune", DEFAULT, "OUT", "--ratio", "2", "--data", "photos"),
    ("cross-validate", "photos", "OUT", "--prune", "absent"),
    ("train", "photos", "OUT", *SMALL, "--channels", "2"),
    ("distill", DEFAULT, "photos", "OUT", "--temperature", "0"),
    ("distill", "absent", "photos", "OUT"),
    ("benchmark", "absent"),
    ("benchmark", DEFAULT, DEFAULT),
    ("benchmark", DEFAULT, "--engine", "tvm"),
    ("benchmark", DEFAULT, "--engine", "pytorch"),
    ("benchmark", DEFAULT, "--data", "one-class", "--out", "OUT"),
    ("benchmark", DEFAULT, "--data", "photos", "--out", "photos"),
    ("engine", DEFAULT, "OUT"),
    ("engine", "corrupt", "OUT"),
    ("package", "absent.pth", "OUT"),
    ("package", "file", "OUT"),
    ("package", "corrupt.pth", "OUT"),
    ("package", "vgg.pth", "OUT"),
    ("package", DEFAULT, "OUT", "--metrics", "metrics.json"),
    ("package", DEFAULT, "OUT", "--metrics", "absent.json"),
    ("verify", "absent"),
    ("verify", "file"),
    ("verify", "corrupt"),
]


@pytest.mark.parametrize("arguments", WRONG, ids=lambda arguments: " ".join(map(str, arguments))[:60])
def test_what_is_wrong_is_said_in_one_sentence(
    arguments: tuple[object, ...],
    bad: Path,
    tmp_path: Path,
    end: Callable[..., object],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    known = {file.name: file for file in bad.iterdir()} | {"OUT": tmp_path / "out"}
    monkeypatch.chdir(tmp_path)  # where the default cache is made
    sentence = str(end(*(known.get(str(each), each) for each in arguments)))
    assert sentence.startswith("error: ")
    assert len(sentence.splitlines()) == 1
    assert "Traceback" not in capsys.readouterr().err


def test_a_mistake_ends_the_process_with_1_and_nothing_but_the_sentence(tmp_path: Path) -> None:
    answer = run("verify", tmp_path / "absent")
    assert (answer.returncode, answer.stdout) == (1, "")
    assert answer.stderr.startswith(f"error: {tmp_path}/absent/manifest.json cannot be read: ")
    assert len(answer.stderr.splitlines()) == 1


def test_of_two_files_that_could_not_be_copied_the_one_to_write_is_named(
    end: Callable[..., object], monkeypatch: pytest.MonkeyPatch
) -> None:
    def full() -> None:
        raise OSError(errno.ENOSPC, "No space left on device", "/made/model.onnx", None, "/models/new")

    monkeypatch.setattr("training.__main__.app", full)
    said = "error: /models/new: No space left on device; free some room, or name a place on another disk."
    assert end("package") == said
