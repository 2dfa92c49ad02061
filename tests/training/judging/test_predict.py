"""Pictures answered one by one, as a server would."""

import csv
import errno
import io
from pathlib import Path

import pytest

from tests.pictures import encode, noise
from tests.tiny_model import write_artifact
from tests.training.shades import write_shades
from training.errors import TrainingError
from training.judging.forward import load_model
from training.judging.predict import COLUMNS, check_table, files_to_answer, predict_file, predict_files, warm_up
from training.serving.engines import Model


@pytest.fixture
def model(tmp_path: Path) -> Model:
    return load_model(write_artifact(tmp_path / "model", temperature=2.0), "onnxruntime", 1)


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    return write_shades(tmp_path / "photos", [100], [200])


def table(model: Model, folder: Path) -> list[dict[str, str]]:
    text = io.StringIO(newline="")
    files = files_to_answer(folder)
    answered = list(predict_files(model, folder, files, text))
    rows = list(csv.DictReader(text.getvalue().splitlines()))
    assert answered == [not row["error"] for row in rows]
    return rows


def test_a_picture_gets_its_label_its_calibrated_score_and_its_times(model: Model, photos: Path) -> None:
    warm_up(model)
    answer = predict_file(model, photos / "online" / "200.png")
    assert answer.label == "online"
    assert answer.score == pytest.approx(0.97404, abs=1e-5)  # logits ∓3.625 differ by 7.25; halved: 1 / (1 + e^-3.625)
    assert predict_file(model, photos / "offline" / "100.png").label == "offline"
    assert answer.decode_ms > 0
    assert answer.inference_ms > 0


def test_a_folder_is_searched_to_the_bottom_and_survives_bad_files(model: Model, photos: Path) -> None:
    (photos / "deep" / "er").mkdir(parents=True)
    (photos / "deep" / "er" / "film.gif").write_bytes(b"GIF89a")
    (photos / "empty.jpg").touch()
    (photos / "cut.png").write_bytes(encode(noise())[:500])
    rows = table(model, photos)
    assert list(rows[0]) == list(COLUMNS)
    assert [(row["path"], row["label"], row["error"]) for row in rows] == [
        ("cut.png", "", "The image is damaged or cut short; send the whole file."),
        ("deep/er/film.gif", "", "GIF is not accepted; send JPEG, PNG, WebP, BMP or AVIF."),
        ("empty.jpg", "", "The bytes are not a readable image; send JPEG, PNG, WebP, BMP or AVIF."),
        ("offline/100.png", "offline", ""),
        ("online/200.png", "online", ""),
    ]
    assert rows[-1]["score"] == "0.9740"
    assert float(rows[-1]["milliseconds"]) > 0


def test_hidden_files_the_data_sets_table_and_the_output_are_no_pictures(photos: Path) -> None:
    for name in (".hidden.png", "manifest.csv", "out.csv", "other.csv"):
        (photos / name).touch()
    found = [path.name for path in files_to_answer(photos, photos / "out.csv")]
    assert found == ["100.png", "200.png", "other.csv"]


def test_a_picture_and_the_data_sets_table_are_not_written_over(photos: Path, tmp_path: Path) -> None:
    for name in (photos / "offline" / "100.png", photos / "manifest.csv"):
        with pytest.raises(TrainingError, match=r"is no table of answers to write over; name a new \.csv file"):
            check_table(name)
    (tmp_path / "old.csv").touch()
    check_table(tmp_path / "old.csv")
    check_table(tmp_path / "new.txt")


def test_a_folder_without_files_is_refused(tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="holds no file; give a folder of pictures"):
        files_to_answer(tmp_path)


def test_a_file_that_is_too_large_is_not_read(model: Model, photos: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("training.photos.data.MAX_BYTES", 50)
    assert {row["error"][-16:] for row in table(model, photos)} == {"the limit is 50."}


@pytest.mark.parametrize("name", ["absent.png", "text.png"])
def test_a_single_bad_file_is_one_sentence(name: str, model: Model, tmp_path: Path) -> None:
    (tmp_path / "text.png").write_text("no picture", encoding="utf-8")
    with pytest.raises(TrainingError, match=rf"{name}: The"):
        predict_file(model, tmp_path / name)


def test_a_file_that_may_not_be_read_is_an_error_of_its_row(
    model: Model, photos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_path: Path) -> bytes:
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(Path, "read_bytes", refuse)
    assert table(model, photos)[-1]["error"] == "The file cannot be read: Permission denied."


def test_rows_are_written_as_soon_as_they_are_known(model: Model, photos: Path) -> None:
    text = io.StringIO(newline="")
    answered = predict_files(model, photos, files_to_answer(photos), text)
    next(answered)
    assert len(text.getvalue().splitlines()) == 2  # the columns and one picture
