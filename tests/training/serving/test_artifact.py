"""What write_artifact puts where, how a model may be called, and how far engines may be apart."""

import subprocess
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from resnet_server.manifest import load_manifest
from tests.training.conftest import FACTS
from training.errors import TrainingError
from training.serving.artifact import check_name, git_sha, tolerance_of, write_artifact

WRONG_SIZE = replace(FACTS, height=64, width=64)


def contents(folder: Path) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in folder.iterdir()}


def test_a_folder_that_is_not_there_appears_whole_or_not_at_all(exported: Path, tmp_path: Path) -> None:
    weights = exported / "model.onnx"
    with pytest.raises(TrainingError, match=rf"^{weights} cannot be run: ") as refused:
        write_artifact(tmp_path / "new" / "artifact", weights, WRONG_SIZE)
    assert len(str(refused.value).splitlines()) == 1
    assert list((tmp_path / "new").iterdir()) == []
    write_artifact(tmp_path / "new" / "artifact", weights, FACTS)
    assert set(contents(tmp_path / "new" / "artifact")) == {"model.onnx", "golden.png", "manifest.json"}
    assert [file.name for file in (tmp_path / "new").iterdir()] == ["artifact"]
    assert (tmp_path / "new" / "artifact").stat().st_mode & 0o777 == (tmp_path / "new").stat().st_mode & 0o777


def test_a_runs_own_folder_becomes_an_artifact_and_keeps_the_rest(exported: Path, tmp_path: Path) -> None:
    (tmp_path / "model.onnx").write_bytes((exported / "model.onnx").read_bytes())
    (tmp_path / "history.csv").write_text("epoch", encoding="utf-8")
    before = contents(tmp_path)
    with pytest.raises(TrainingError, match="cannot be run"):
        write_artifact(tmp_path, tmp_path / "model.onnx", WRONG_SIZE)
    assert contents(tmp_path) == before
    for name in ("first", "again"):  # again: as a run that was finished is resumed
        write_artifact(tmp_path, tmp_path / "model.onnx", replace(FACTS, name=name))
        assert load_manifest(tmp_path).document["name"] == name
        assert set(contents(tmp_path)) == {"history.csv", "model.onnx", "golden.png", "manifest.json"}
    assert contents(tmp_path).items() >= before.items()


@pytest.mark.parametrize("name", ["Klasse 1", "", "a/b", "klässe", "name\n", "n" * 56])
def test_a_name_that_no_manifest_takes_is_refused(name: str) -> None:
    with pytest.raises(TrainingError, match="cannot be the name of a model; take 1 to 55 letters of a to z"):
        check_name(name)


def test_a_name_may_be_as_long_as_its_version_allows() -> None:
    check_name("n" * 55)
    check_name("class-photos_2.1")


def test_engines_may_differ_by_a_share_of_large_logits() -> None:
    assert tolerance_of(np.array([[-1.7, 1.6]], np.float32), 0.25) == 0.25
    assert tolerance_of(np.array([[-60.0, 30.0]], np.float32), 0.25) == 0.6


def test_the_commit_is_the_codes_own_wherever_it_is_called_from(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = git_sha()
    monkeypatch.chdir(tmp_path)
    identity = ("-c", "user.name=tests", "-c", "user.email=tests@localhost")
    subprocess.run(["git", "init", "-q"], check=True)
    subprocess.run(["git", *identity, "commit", "-q", "--allow-empty", "-m", "another project"], check=True)
    assert git_sha() == before
