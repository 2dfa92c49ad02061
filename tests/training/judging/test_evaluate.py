"""A model on labelled pictures: what is read, what is refused, what the page and the numbers say."""

import json
import re
from collections.abc import Callable
from html import unescape
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.tiny_model import write_artifact
from tests.training.shades import answers, write_shades
from training.errors import TrainingError
from training.judging.answers import read_answers, write_answers
from training.judging.evaluate import evaluate
from training.judging.judged import say_skipped
from training.photos.data import Skipped, load

OFFLINE, ONLINE = (10, 40, 90, 140), (100, 150, 180, 210, 240)  # 140 and 100 are mistaken for the other class


@pytest.fixture
def model(tmp_path: Path) -> Path:
    return write_artifact(tmp_path / "model")


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return write_shades(tmp_path / "photos", OFFLINE, ONLINE)


def words(page: Path) -> str:
    """A page's text without tags and double spaces."""
    body = page.read_text(encoding="utf-8").split("<body>")[1]
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", body)).split())


def test_metrics_hold_every_number_and_what_they_were_measured_on(model: Path, data: Path, tmp_path: Path) -> None:
    metrics = evaluate(model, data, tmp_path / "out")
    assert metrics == json.loads((tmp_path / "out" / "metrics.json").read_text(encoding="utf-8"))
    assert re.fullmatch(r"photos \(data sha256 [0-9a-f]{12}\): 9 pictures", metrics["measured_on"])
    assert metrics["accuracy"] == {"offline": 0.75, "online": 0.8}
    assert metrics["mean_accuracy"] == 0.775
    assert (metrics["pictures"], metrics["wrong"], metrics["skipped"]) == (9, 2, 0)
    assert metrics["confusion"] == [[3, 1], [1, 4]]
    assert metrics["auc"] == 0.95  # 19 of 20 pairs are in the right order
    assert metrics["temperature"] == 1.0
    drawn = metrics["intervals_95"]
    assert (drawn["drawn"], drawn["units"]) == ("pictures", 9)
    low, high = drawn["mean_accuracy"]
    assert low < 0.775 < high


def test_answers_are_a_table_that_can_be_read_again(model: Path, data: Path, tmp_path: Path) -> None:
    evaluate(model, data, tmp_path / "out")
    found = read_answers(tmp_path / "out" / "answers.csv")
    assert found.paths[:2] == ("offline/010.png", "offline/040.png")
    assert found.logits[0] == pytest.approx([-30 / 60 + 6.375, 30 / 60 - 6.375])


def test_the_page_shows_numbers_plots_and_mistakes(model: Path, data: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    evaluate(model, data, out)
    text = words(out / "index.html")
    assert "77.50 % mean of both classes" in text
    assert "2 wrong of 9" in text
    assert "offline 3 1 75.00 %" in text
    assert "1 online/100.png online offline 0.94 2 offline/140.png offline online 0.78" in text
    images = re.findall(r'<img src="([^"]+)"', (out / "index.html").read_text(encoding="utf-8"))
    assert images == ["scores.png", "reliability.png", "roc.png", "mistakes.png"]
    sheet = np.asarray(Image.open(out / "mistakes.png"))
    assert (sheet == (100, 100, 100)).all(2).any()  # the mistaken picture itself is on the sheet


def test_nothing_wrong_is_said_with_its_limits(model: Path, tmp_path: Path) -> None:
    evaluate(model, write_shades(tmp_path / "easy", (10, 20), (240, 250)), tmp_path / "out")
    text = words(tmp_path / "out" / "index.html")
    assert "an error rate up to 75.0 % would not be surprising (rule of three)" in text
    assert "Worst mistakes None." in text


def test_nothing_wrong_in_few_groups_says_little_however_many_pictures_they_hold(model: Path, tmp_path: Path) -> None:
    names = [f"{label}/{shade:03}.png" for label, shade in (("offline", 10), ("offline", 20), ("online", 240))]
    groups = dict(zip([*names, "online/250.png"], ("north", "south", "north", "south"), strict=True))
    groups |= {"offline/030.png": "east", "offline/035.png": "west"}
    evaluate(model, write_shades(tmp_path / "easy", (10, 20, 30, 35), (240, 250), groups), tmp_path / "out")
    assert "with 4 groups, an error rate up to 75.0 % would not be" in words(tmp_path / "out" / "index.html")


def test_the_curve_ranks_by_logits_where_all_scores_are_one(tmp_path: Path) -> None:
    write_answers(tmp_path / "answers.csv", answers([0, 0, 1, 1], [-5, 40, 45, 60]))
    metrics = evaluate(tmp_path / "answers.csv", None, tmp_path / "out")
    assert (metrics["auc"], metrics["intervals_95"]["auc"]) == (1.0, [1.0, 1.0])


def test_groups_are_listed_and_drawn_whole(model: Path, tmp_path: Path) -> None:
    names = [f"offline/{shade:03}.png" for shade in OFFLINE] + [f"online/{shade:03}.png" for shade in ONLINE]
    groups = {name: ("north", "south", "east")[place % 3] for place, name in enumerate(names)}
    data = write_shades(tmp_path / "photos", OFFLINE, ONLINE, groups)
    metrics = evaluate(model, data, tmp_path / "out")
    assert metrics["intervals_95"]["drawn"] == "groups"
    assert metrics["groups"]["north"] == {"pictures": 3, "wrong": 1}  # 140
    text = words(tmp_path / "out" / "index.html")
    assert "drawing 3 whole groups with replacement" in text
    assert "With so few groups they are rough." in text
    assert "Groups group pictures wrong right north 3 1 66.67 % south 3 1 66.67 % east 3 0 100.00 %" in text


def test_a_class_of_one_group_is_said_to_make_the_intervals_too_narrow(model: Path, tmp_path: Path) -> None:
    groups = dict.fromkeys(("online/150.png", "online/180.png"), "north")
    metrics = evaluate(model, write_shades(tmp_path / "photos", [10], [150, 180], groups), tmp_path / "out")
    assert metrics["intervals_95"]["drawn"] == "pictures"
    assert "groups could not be drawn" in words(tmp_path / "out" / "index.html")


def test_files_that_are_no_pictures_are_listed(
    model: Path, data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (data / "online" / "film.gif").write_bytes(b"GIF89a")
    assert evaluate(model, data, tmp_path / "out")["skipped"] == 1
    assert "\nskipped online/film.gif: GIF is not accepted; " in "\n" + capsys.readouterr().out
    expected = "online/film.gif GIF is not accepted; send JPEG, PNG, WebP, BMP or AVIF."
    assert expected in words(tmp_path / "out" / "index.html")


def test_pictures_that_the_model_was_trained_on_are_told(data: Path, tmp_path: Path) -> None:
    made = {"git_sha": "0", "command": "tests", "seed": 0, "parent": None}
    made["data_sha256"] = "0" * 64 + load(data, 40, 32).sha256  # train's, then val's
    metrics = evaluate(write_artifact(tmp_path / "model", made_by=made), data, tmp_path / "out")
    assert metrics["measured_on"].endswith(": 9 pictures, which the model was trained or chosen on")
    assert "how well it remembers them" in words(tmp_path / "out" / "index.html")


def test_a_part_of_what_the_model_was_trained_on_is_told_too(tmp_path: Path) -> None:
    write_shades(tmp_path / "parts" / "test", [10], [200])
    (tmp_path / "parts" / "split.json").write_text(json.dumps({"data_sha256": "e" * 64}), encoding="utf-8")
    made = {"git_sha": "0", "command": "tests", "seed": 0, "parent": None, "data_sha256": "e" * 64}
    metrics = evaluate(write_artifact(tmp_path / "model", made_by=made), tmp_path / "parts", tmp_path / "out")
    assert metrics["measured_on"].endswith("which the model was trained or chosen on")


def test_of_what_split_wrote_the_test_part_is_taken(model: Path, tmp_path: Path) -> None:
    for part, shade in (("train", 1), ("val", 2), ("test", 3)):
        write_shades(tmp_path / "parts" / part, [shade], [255 - shade])
    for asked, taken in ((None, "test"), ("val", "val")):
        metrics = evaluate(model, tmp_path / "parts", tmp_path / "out", part=asked)
        assert metrics["measured_on"].startswith(f"the {taken} part of parts (")


def test_of_many_skipped_files_the_first_are_named(capsys: pytest.CaptureFixture[str]) -> None:
    say_skipped([Skipped(f"online/{number}\udcff.gif", "GIF") for number in range(23)])
    lines = capsys.readouterr().out.splitlines()
    assert (lines[0], lines[-2:]) == (
        "skipped online/0\\udcff.gif: GIF",
        ["skipped online/19\\udcff.gif: GIF", "skipped 3 more"],
    )


def test_a_part_that_is_not_there_is_named(model: Path, data: Path, tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="photos has no part val; only folders that split wrote have parts"):
        evaluate(model, data, tmp_path / "out", part="val")
    write_shades(tmp_path / "parts" / "train", [1], [255])
    with pytest.raises(TrainingError, match=r"parts/test is missing; take --part train, or split the photos again\."):
        evaluate(model, tmp_path / "parts", tmp_path / "out")
    write_shades(tmp_path / "parts" / "val", [1], [255])
    with pytest.raises(TrainingError, match=r"take --part val or --part train, or split"):
        evaluate(model, tmp_path / "parts", tmp_path / "out")


def test_two_models_are_compared_on_the_same_pictures(model: Path, data: Path, tmp_path: Path) -> None:
    other = write_artifact(tmp_path / "other", version="other-1", temperature=2.0)
    metrics = evaluate(model, data, tmp_path / "out", against=other)["against"]
    assert metrics["model"] == "other-1"
    assert metrics["verdict"] == "tiny-1 and other-1 are right and wrong on the same pictures."
    assert (metrics["both_right"], metrics["both_wrong"], metrics["p_value"]) == (7, 2, 1.0)


def read_lines(tmp_path: Path, model: Path, data: Path) -> list[str]:
    evaluate(model, data, tmp_path / "lines")
    return (tmp_path / "lines" / "answers.csv").read_text(encoding="utf-8").splitlines()


def test_the_pictures_that_two_models_differ_on_are_shown(model: Path, data: Path, tmp_path: Path) -> None:
    header, *rows = read_lines(tmp_path, model, data)
    turned = [re.sub(r"^(offline/010.png,.*,offline),(.*),(.*)$", r"\1,\3,\2", row) for row in rows]
    (tmp_path / "other.csv").write_text("\n".join([header, *turned]) + "\n", encoding="utf-8")
    out = tmp_path / "out"
    metrics = evaluate(model, data, out, against=tmp_path / "other.csv")["against"]
    assert (metrics["only_first_right"], metrics["only_second_right"]) == (1, 0)
    assert metrics["difference"] == 0.125
    text = words(out / "index.html")
    assert "These pictures do not tell tiny-1 and other.csv apart" in text
    assert "The test takes pictures as independent of each other" in text
    assert "All 1 as a table picture truth tiny-1 other.csv 1 offline/010.png offline offline 1.00 online" in text
    assert (out / "differences.png").exists()


def test_equal_versions_are_told_apart_by_their_folders(model: Path, data: Path, tmp_path: Path) -> None:
    twin = write_artifact(tmp_path / "twin")
    verdict = evaluate(model, data, tmp_path / "out", against=twin)["against"]["verdict"]
    assert verdict == f"{model} and {twin} are right and wrong on the same pictures."


def test_the_answers_of_a_cross_validation_are_judged_without_pictures(tmp_path: Path) -> None:
    for fold in (0, 1):
        folder = tmp_path / "runs"
        given = answers([0, 1, 1], [-2, 3, -1], [f"g{fold}"] * 3)
        renamed = type(given)(tuple(f"{fold}{path}" for path in given.paths), given.groups, given.labels, given.logits)
        write_answers(folder / f"fold-{fold}.csv", renamed)
        write_answers(folder / f"fold-{fold}-float.csv", given)  # is not read
    metrics = evaluate(folder, None, tmp_path / "out")
    assert metrics["measured_on"] == "cross-validation answers in runs: 6 pictures"
    assert metrics["accuracy"] == {"offline": 1.0, "online": 0.5}
    assert not (tmp_path / "out" / "mistakes.png").exists()


def cut_weights(folder: Path) -> None:
    (folder / "model.onnx").write_bytes(b"cut")


def drop_manifest(folder: Path) -> None:
    (folder / "manifest.json").unlink()


@pytest.mark.parametrize(
    ("damage", "words"), [(cut_weights, "model.onnx is damaged"), (drop_manifest, "is neither an artifact")]
)
def test_a_broken_artifact_is_one_sentence(
    damage: Callable[[Path], None], words: str, model: Path, data: Path, tmp_path: Path
) -> None:
    damage(model)
    with pytest.raises(TrainingError, match=words):
        evaluate(model, data, tmp_path / "out")


def test_a_model_that_answers_nan_is_refused(data: Path, tmp_path: Path) -> None:
    broken = write_artifact(tmp_path / "nan", answers_nan=True)
    with pytest.raises(TrainingError, match="does not answer with two finite logits"):
        evaluate(broken, data, tmp_path / "out")


def test_a_network_that_wants_another_size_than_its_manifest_says_is_refused(data: Path, tmp_path: Path) -> None:
    given = {"height": 64, "width": 64, "pixel_format": "RGB", "mean": [0.5] * 3, "std": [0.25] * 3}
    with pytest.raises(TrainingError, match=r"model\.onnx cannot be run: "):
        evaluate(write_artifact(tmp_path / "other", input=given), data, tmp_path / "out")


def test_one_class_alone_cannot_be_judged(model: Path, tmp_path: Path) -> None:
    data = write_shades(tmp_path / "photos", OFFLINE, ())
    with pytest.raises(TrainingError, match="photos/online holds no readable picture"):
        evaluate(model, data, tmp_path / "out")
    write_answers(tmp_path / "answers.csv", answers([1, 1], [1, 1]))
    with pytest.raises(TrainingError, match=r"answers\.csv holds no answer about an offline picture"):
        evaluate(tmp_path / "answers.csv", None, tmp_path / "out")


def test_an_artifact_without_pictures_asks_for_them(model: Path, tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match=r"Give the pictures that .* shall be judged on"):
        evaluate(model, None, tmp_path / "out")


def test_the_report_does_not_go_into_the_data(model: Path, data: Path) -> None:
    with pytest.raises(TrainingError, match="lies inside"):
        evaluate(model, data, data / "report")


@pytest.mark.parametrize(
    ("table", "words"),
    [
        (b"\x89PNG\r\n", r"answers\.csv must have the columns path, group"),
        (b"path,label\na,online\n", r"answers\.csv must have the columns path, group, label, offline, online"),
        (b"path,group,label,offline,online\na,g,online,nan,1\n", "holds logits that are no finite numbers"),
        (b"path,group,label,offline,online\na,g,online,0,1\na,g,offline,0,1\n", "answers a picture twice"),
    ],
)
def test_a_table_that_holds_no_answers_is_refused(table: bytes, words: str, tmp_path: Path) -> None:
    (tmp_path / "answers.csv").write_bytes(table)
    with pytest.raises(TrainingError, match=words):
        evaluate(tmp_path / "answers.csv", None, tmp_path / "out")
