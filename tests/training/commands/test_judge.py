"""summary, evaluate, predict and compare, as a person calls them."""

import csv
import json
from pathlib import Path

import pytest
from PIL import Image

from resnet_server.manifest import load_manifest
from tests.tiny_model import write_artifact
from tests.training.shades import write_shades
from training.__main__ import app
from training.errors import TrainingError

Captured = pytest.CaptureFixture[str]


@pytest.fixture
def model(tmp_path: Path) -> Path:
    return write_artifact(tmp_path / "model")


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    return write_shades(tmp_path / "photos", [100, 140], [200, 210])


def run(*arguments: object) -> None:
    app([str(each) for each in arguments], standalone_mode=False)


def test_summary_prints_the_documented_figures(capfd: Captured) -> None:
    run("summary", "resnet18", "--freeze")
    assert (
        "Total params: 11,177,538\nTrainable params: 1,026\nNon-trainable params: 11,176,512\n"
        in capfd.readouterr().out
    )
    run("summary", "mobilenet_v2")
    assert "[-1, 32, 112, 112]              864             10,838,016" in capfd.readouterr().out


def test_evaluate_prints_the_numbers_and_what_to_run_next(
    model: Path, photos: Path, tmp_path: Path, capfd: Captured
) -> None:
    out = tmp_path / "report"
    run("evaluate", model, photos, "--out", out, "--cache", tmp_path / "cache", "--against", model)
    lines = capfd.readouterr().out.splitlines()
    assert "accuracy: offline 0.5000, online 1.0000" in lines
    assert any(line.startswith("mean of both 0.7500 (95 %: ") and "4 pictures drawn" in line for line in lines)
    assert any(line.startswith("wrong 1 of 4, AUC 1.0000, ECE ") for line in lines)
    assert lines[-4:] == [
        f"{model} and {model} are right and wrong on the same pictures.",
        f"wrote {out}/index.html",
        f"wrote {out}/metrics.json",
        f"next: python -m training package {model} ARTIFACT --metrics {out}/metrics.json",
    ]


def test_what_to_run_next_is_quoted_for_the_shell(photos: Path, tmp_path: Path, capfd: Captured) -> None:
    out, model = tmp_path / "my report", write_artifact(tmp_path / "my model")
    run("evaluate", model, photos, "--out", out, "--cache", tmp_path / "cache")
    assert capfd.readouterr().out.splitlines()[-1] == (
        f"next: python -m training package '{model}' ARTIFACT --metrics '{out}/metrics.json'"
    )


def test_no_mistake_is_printed_with_its_limits(model: Path, tmp_path: Path, capfd: Captured) -> None:
    easy = write_shades(tmp_path / "easy", (10, 20), (240, 250))
    run("evaluate", model, easy, "--out", tmp_path / "report", "--cache", tmp_path / "cache")
    lines = capfd.readouterr().out.splitlines()
    assert "mean of both 1.0000" in lines
    assert any("an error rate up to 75.0 % would not be surprising (rule of three)" in line for line in lines)


def test_what_evaluate_writes_is_what_package_wants(model: Path, photos: Path, tmp_path: Path) -> None:
    run("evaluate", model, photos, "--out", tmp_path / "report", "--cache", tmp_path / "cache")
    metrics = json.loads((tmp_path / "report" / "metrics.json").read_text(encoding="utf-8"))
    temperature = metrics.pop("temperature")
    assert load_manifest(write_artifact(tmp_path / "packed", metrics=metrics, temperature=temperature))


def test_predict_answers_one_picture(model: Path, photos: Path, tmp_path: Path, capfd: Captured) -> None:
    run("predict", model, photos / "online" / "200.png")
    label, score, rest = capfd.readouterr().out.split(" ", 2)
    assert (label, score) == ("online", "0.9993")
    assert rest.endswith(" ms reading and resizing)\n")


def test_predict_writes_a_folders_answers_to_a_file(model: Path, photos: Path, tmp_path: Path, capfd: Captured) -> None:
    (photos / "bad.png").touch()
    out = tmp_path / "new" / "answers.csv"
    run("predict", model, photos, "--out", out)
    captured = capfd.readouterr()
    assert captured.out == f"wrote {out}\n"
    assert "4 answered, 1 not: the column error says why" in captured.err
    with out.open(encoding="utf-8", newline="") as file:
        assert len(list(csv.DictReader(file))) == 5


@pytest.mark.parametrize("source", [".", "online/200.png"])
def test_predict_does_not_write_over_a_picture(source: str, model: Path, photos: Path) -> None:
    picture = photos / "online" / "200.png"
    before = picture.read_bytes()
    with pytest.raises(TrainingError, match=r"200\.png is no table of answers to write over"):
        run("predict", model, photos / source, "--out", picture)
    assert picture.read_bytes() == before


def test_predict_without_a_file_writes_the_table_alone_to_standard_output(
    model: Path, photos: Path, capfd: Captured
) -> None:
    run("predict", model, photos)
    run("predict", model, photos)  # standard output was not closed
    lines = capfd.readouterr().out.splitlines()
    assert lines[0] == "path,label,score,milliseconds,error"
    assert [line.split(",")[0] for line in lines[1:5]] == [
        "offline/100.png", "offline/140.png", "online/200.png", "online/210.png",
    ]  # fmt: skip
    assert len(lines) == 10


def test_predict_writes_one_pictures_row_too(model: Path, photos: Path, tmp_path: Path) -> None:
    run("predict", model, photos / "online" / "200.png", "--out", tmp_path / "one.csv")
    assert (tmp_path / "one.csv").read_text(encoding="utf-8").splitlines()[1].startswith("200.png,online,0.9993,")


def test_a_name_that_is_no_utf_8_keeps_its_bytes(model: Path, tmp_path: Path) -> None:
    folder = tmp_path / "photos"
    folder.mkdir()
    Image.new("RGB", (40, 40), "white").save(folder / "\udcff.png")
    run("predict", model, folder, "--out", tmp_path / "out.csv")
    assert b"\n\xff.png,online," in (tmp_path / "out.csv").read_bytes()


def test_compare_prints_the_ranking(tmp_path: Path, capfd: Captured) -> None:
    for part in ("train", "val"):
        write_shades(tmp_path / "parts" / part, range(0, 100, 25), range(150, 250, 25))
    out = tmp_path / "out"
    size = ("--height", 64, "--width", 64, "--epochs", 1, "--weights", "none", "--cache", tmp_path / "cache")
    run("compare", tmp_path / "parts", out, "--architecture", "resnet18", "--threads", 1, *size)
    lines = capfd.readouterr().out.splitlines()
    assert lines[-4].startswith("1. resnet18 ")
    assert lines[-4].endswith(" ms")
    assert lines[-1] == (f"next: python -m training evaluate {out}/resnet18 {tmp_path}/parts --out {out}/report")


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("evaluate", "MODEL", "absent"), "absent is not a folder"),
        (("evaluate", "absent", "PHOTOS"), "absent is neither an artifact"),
        (("evaluate", "MODEL", "PHOTOS/online/200.png"), "200.png is not a folder"),
        (("predict", "absent", "PHOTOS"), r"absent/manifest\.json cannot be read"),
        (("predict", "MODEL", "absent"), "absent: There is no such file"),
        (("predict", "PHOTOS/online/200.png", "PHOTOS"), r"manifest\.json cannot be read"),
        (("summary", "absent"), "absent is neither an artifact folder nor an architecture"),
        (("compare", "PHOTOS", "OUT", "--architecture", "resnet18"), "photos has no part val"),
        (("compare", "PHOTOS", "OUT", "--architecture", "resnet18", "--recipe", "x"), "There is no recipe x"),
    ],
)
def test_wrong_input_is_one_sentence(
    arguments: tuple[str, ...], sentence: str, model: Path, photos: Path, tmp_path: Path
) -> None:
    given = (each.replace("MODEL", str(model)).replace("PHOTOS", str(photos)) for each in arguments)
    with pytest.raises(TrainingError, match=sentence):
        run(*(each.replace("OUT", str(tmp_path / "out")) for each in given))
