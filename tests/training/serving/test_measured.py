"""metrics.json: what a manifest takes, and of which weights."""

from pathlib import Path

import pytest

from resnet_server.manifest import file_sha256
from training.errors import TrainingError
from training.serving.measured import check_measured, read_metrics


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("{", r"is no JSON file; give metrics\.json"),
        ('{"measured_on": "x", "ece": NaN}', r"is no JSON file"),
        ("[]", r"does not say what it was measured on"),
        (
            '{"measured_on": "x", "temperature": "hot"}',
            r"into a manifest: temperature: 'hot' is not of type 'number'; ",
        ),
        ('{"measured_on": "x", "temperature": 0}', r"into a manifest: temperature: 0 is less than"),
        ('{"measured_on": "x", "auc": null}', r"into a manifest: auc: None is not of type"),
        ('{"measured_on": 3}', r"into a manifest: measured_on: 3 is not of type 'string'"),
    ],
)
def test_what_a_manifest_does_not_take_is_one_sentence(text: str, sentence: str, tmp_path: Path) -> None:
    (tmp_path / "metrics.json").write_text(text, encoding="utf-8")
    with pytest.raises(TrainingError, match=sentence) as refused:
        read_metrics(tmp_path / "metrics.json")
    assert len(str(refused.value).splitlines()) == 1


def test_numbers_with_a_temperature_are_taken(tmp_path: Path) -> None:
    (tmp_path / "metrics.json").write_text('{"measured_on": "x", "temperature": 0.5, "ece": 0.1}', encoding="utf-8")
    assert read_metrics(tmp_path / "metrics.json") == {"measured_on": "x", "temperature": 0.5, "ece": 0.1}


def test_the_metrics_of_another_model_are_refused(tmp_path: Path) -> None:
    weights = tmp_path / "model.onnx"
    weights.write_bytes(b"weights")
    digits = file_sha256(weights)[:8]
    check_measured({"measured_on": "x", "model": f"renamed-{digits}"}, weights)
    check_measured({"measured_on": "a cross-validation, as calibrate says it"}, weights)
    with pytest.raises(
        TrainingError, match=rf"^The metrics are of float-01234567, and .* begins with {digits}; evaluate"
    ):
        check_measured({"measured_on": "x", "model": "float-01234567"}, weights)
