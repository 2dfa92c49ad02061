"""Artifact to artifact: what a server would load, what is refused, and where each came from."""

import json
import shutil
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch

from resnet_server.engines import load_engine
from resnet_server.manifest import file_sha256, load_manifest
from tests.tiny_model import graph
from tests.training.changes import change
from tests.training.conftest import FACTS
from tests.training.noise import HEIGHT, WIDTH, write_pictures
from training.errors import TrainingError
from training.judging.answers import Logits
from training.judging.paired import Change
from training.photos.data import DataSet, Images, load
from training.serving.artifact import verify
from training.serving.convert import export_artifact, network_of, package, quantize_artifact
from training.serving.export import Run, onnxruntime_run

BARE = {"like": None, "metrics": None, "name": None, "architecture": "resnet18", "height": HEIGHT, "width": WIDTH}


def test_the_documents_weights_file_becomes_a_folder_that_the_documented_engine_serves(
    weights: Path, golden_batch: np.ndarray, tmp_path: Path
) -> None:
    manifest = package(weights, tmp_path / "artifact", **BARE)  # type: ignore[arg-type]
    answer = load_engine("pytorch", load_manifest(tmp_path / "artifact"), 1).infer(golden_batch[:1])
    assert answer[0] == pytest.approx(manifest.golden_logits, abs=1e-3)
    assert manifest.version == f"class-photos-{manifest.document['weights']['sha256'][:8]}"


def test_an_export_knows_its_parent(trained: Path, exported: Path) -> None:
    parent, child = load_manifest(trained), load_manifest(exported)
    assert child.document["made_by"]["parent"] == parent.version
    assert child.document["made_by"]["seed"] == FACTS.seed
    assert child.weights.name == "model.onnx"


def test_every_engine_answers_an_export_as_pytorch_answers_its_parent(
    trained: Path, exported: Path, golden_batch: np.ndarray
) -> None:
    expected = load_engine("pytorch", load_manifest(trained), 1).infer(golden_batch)
    for name in ("onnxruntime", "openvino"):
        assert load_engine(name, load_manifest(exported), 1).infer(golden_batch) == pytest.approx(expected, abs=1e-3)


def test_quantizing_keeps_the_parent_and_the_accuracy(
    exported: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    photos = write_pictures(tmp_path / "photos", 16)
    (photos / "online" / "film.gif").write_bytes(b"GIF89a")
    change = quantize_artifact(exported, photos, tmp_path / "int8", max_drop=1.0, cache=tmp_path / "cache")
    manifest = load_manifest(tmp_path / "int8")
    assert manifest.document["made_by"]["parent"] == load_manifest(exported).version
    assert 0 <= change.before <= 1
    assert change.drop == change.before - change.after
    assert "skipped online/film.gif: GIF is not accepted; " in capsys.readouterr().out
    kinds = {node.op_type for node in onnx.load(str(manifest.weights)).graph.node}
    assert "QuantizeLinear" in kinds


def test_metrics_and_a_name_go_into_the_manifest(exported: Path, tmp_path: Path) -> None:
    measured = {"measured_on": "a test", "temperature": 0.7, "mean_accuracy": 0.9}
    changes = BARE | {"metrics": measured, "name": "named"}
    manifest = package(exported, tmp_path / "artifact", **changes)  # type: ignore[arg-type]
    assert manifest.temperature == 0.7
    assert manifest.document["metrics"] == {"measured_on": "a test", "mean_accuracy": 0.9}
    assert manifest.version.startswith("named-")
    assert manifest.document["made_by"]["parent"] == load_manifest(exported).document["made_by"]["parent"]


def test_the_metrics_of_another_model_are_not_packaged(exported: Path, tmp_path: Path) -> None:
    measured = {"measured_on": "a test", "model": "tiny-01234567"}
    with pytest.raises(TrainingError, match=r"^The metrics are of tiny-01234567, and "):
        package(exported, tmp_path / "artifact", **BARE | {"metrics": measured})  # type: ignore[arg-type]
    assert list(tmp_path.iterdir()) == []


def test_only_the_source_itself_is_packaged_over(weights: Path, tmp_path: Path) -> None:
    package(weights, tmp_path / "artifact", **BARE)  # type: ignore[arg-type]
    with pytest.raises(TrainingError, match=r"exists already and is not an empty folder; name a new one\.$"):
        package(weights, tmp_path / "artifact", **BARE)  # type: ignore[arg-type]
    renamed = package(tmp_path / "artifact", tmp_path / "artifact", **BARE | {"name": "new"})  # type: ignore[arg-type]
    assert load_manifest(tmp_path / "artifact").version == renamed.version
    assert renamed.version.startswith("new-")


def test_a_name_is_checked_before_anything_is_read(tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match=r'^"Klasse 1" cannot be the name of a model; '):
        package(tmp_path / "absent", tmp_path / "artifact", **BARE | {"name": "Klasse 1"})  # type: ignore[arg-type]


def test_a_graph_of_another_size_is_one_sentence(exported: Path, tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match=r"model\.onnx cannot be run: ") as refused:
        package(exported / "model.onnx", tmp_path / "artifact", **BARE | {"height": 64})  # type: ignore[arg-type]
    assert len(str(refused.value).splitlines()) == 1
    assert list(tmp_path.iterdir()) == []


def test_a_graph_of_five_classes_is_told_its_outputs(tmp_path: Path) -> None:
    model = graph()
    for name, values in (("weights", np.zeros((3, 5), np.float32)), ("bias", np.zeros(5, np.float32))):
        held = next(each for each in model.graph.initializer if each.name == name)
        held.CopyFrom(onnx.numpy_helper.from_array(values, name))
    model.graph.output[0].type.tensor_type.shape.dim[1].dim_value = 5
    onnx.save(model, tmp_path / "five.onnx")
    size = {"height": 40, "width": 32}
    with pytest.raises(TrainingError, match=r"five\.onnx has 5 outputs; a model of this service has two, offline and"):
        package(tmp_path / "five.onnx", tmp_path / "artifact", **BARE | size)  # type: ignore[arg-type]


def test_a_graph_whose_answer_depends_on_the_pictures_beside_is_not_packaged(tmp_path: Path) -> None:
    model = graph()
    model.graph.node[-1].output[0] = "own"
    model.graph.initializer.append(onnx.numpy_helper.from_array(np.array([0], np.int64), "over the batch"))
    model.graph.node.extend(
        [
            onnx.helper.make_node("ReduceMean", ["own", "over the batch"], ["of all"]),
            onnx.helper.make_node("Sub", ["own", "of all"], ["logits"]),
        ]
    )
    onnx.save(model, tmp_path / "beside.onnx")
    size = {"height": 40, "width": 32}
    with pytest.raises(TrainingError, match=r"^One picture's logits differ by .* between batches of 1, 2, 7; at most"):
        package(tmp_path / "beside.onnx", tmp_path / "artifact", **BARE | size)  # type: ignore[arg-type]


def test_int8_is_not_quantized_again(int8_onnx: Path, folder: Path, tmp_path: Path) -> None:
    package(int8_onnx, tmp_path / "int8", **BARE)  # type: ignore[arg-type]
    with pytest.raises(TrainingError, match=r"int8 is quantized already; give the float artifact that export wrote\.$"):
        quantize_artifact(tmp_path / "int8", folder, tmp_path / "again", max_drop=1, cache=tmp_path / "cache")


def test_verify_names_each_check(exported: Path) -> None:
    lines = list(verify(exported))
    assert lines[0] == "manifest valid, sha256 of model.onnx and golden.png as it says"
    assert lines[1] == "loaded by onnxruntime, openvino"
    assert lines[-1].startswith("batches of 1, 2, 7 are answered alike")


def spoil(artifact: Path, target: Path, **changes: object) -> Path:
    target.mkdir()
    for file in artifact.iterdir():
        (target / file.name).write_bytes(file.read_bytes())
    document = json.loads((target / "manifest.json").read_text(encoding="utf-8"))
    (target / "manifest.json").write_text(json.dumps(document | changes), encoding="utf-8")
    return target


def test_verify_refuses_other_golden_logits(exported: Path, tmp_path: Path) -> None:
    golden = load_manifest(exported).document["golden"] | {"logits": [50.0, -50.0]}
    spoiled = spoil(exported, tmp_path / "spoiled", golden=golden)
    with pytest.raises(TrainingError, match=r"^onnxruntime answers the golden picture with .* package it again\.$"):
        list(verify(spoiled))


def test_verify_refuses_damaged_weights(exported: Path, tmp_path: Path) -> None:
    spoiled = spoil(exported, tmp_path / "spoiled")
    (spoiled / "model.onnx").write_bytes(b"half")
    with pytest.raises(TrainingError, match=r"model\.onnx is damaged: its sha256 is"):
        list(verify(spoiled))


def test_verify_tells_weights_of_another_network_as_export_does(trained: Path, folder: Path, tmp_path: Path) -> None:
    other = spoil(trained, tmp_path / "other", architecture="resnet50")
    sentence = (
        r"model\.pth holds weights of another network than resnet50: .* \(\d+ of \d+ are\); give the right --archi"
    )
    for step in (lambda: list(verify(other)), lambda: export_artifact(other, tmp_path / "float", folder, tmp_path)):
        with pytest.raises(TrainingError, match=sentence):
            step()


@pytest.mark.parametrize(
    ("name", "content", "sentence"),
    [
        ("model.onnx", None, r"is not there; give an artifact, a \.onnx file or a \.pth state dictionary\.$"),
        ("model.h5", b"keras", r"is neither \.onnx nor \.pth; those are what the engines run\.$"),
        ("model.onnx", b"no graph", r"engine cannot load"),
        ("model.pth", b"no zip", r"is damaged or no PyTorch state dictionary; export it again\.$"),
    ],
)
def test_weights_that_do_not_run_are_refused(name: str, content: bytes | None, sentence: str, tmp_path: Path) -> None:
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(TrainingError, match=sentence) as refused:
        package(tmp_path / name, tmp_path / "artifact", **BARE)  # type: ignore[arg-type]
    assert len(str(refused.value).splitlines()) == 1
    assert not (tmp_path / "artifact").exists()


def test_an_onnx_artifact_cannot_be_exported_again(exported: Path, folder: Path, tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match=r"holds model\.onnx; only what train wrote \(\.pth\) can be exported\.$"):
        export_artifact(exported, tmp_path / "again", folder, tmp_path)


def test_a_pth_artifact_is_exported_before_it_is_quantized(trained: Path, folder: Path, tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match=r"holds model\.pth; export it first: python -m training export\.$"):
        quantize_artifact(trained, folder, tmp_path / "int8", max_drop=1, cache=tmp_path)


def test_nothing_is_written_over(trained: Path, exported: Path, folder: Path, tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match=r"exists already and is not an empty folder; name a new one\.$"):
        export_artifact(trained, exported, folder, tmp_path)


def test_dynamic_int8_needs_no_calibration_and_every_engine_answers_it(
    exported: Path, folder: Path, golden_batch: np.ndarray, tmp_path: Path
) -> None:
    out, cache = tmp_path / "dynamic", tmp_path / "cache"
    quantize_artifact(exported, folder, out, max_drop=1, cache=cache, dynamic=True)
    manifest = load_manifest(out)
    kinds = {node.op_type for node in onnx.load(str(manifest.weights)).graph.node}
    assert "ConvInteger" in kinds
    assert "QuantizeLinear" not in kinds
    before = load_engine("onnxruntime", load_manifest(exported), 1).infer(golden_batch)
    for name in ("onnxruntime", "openvino"):
        assert load_engine(name, manifest, 1).infer(golden_batch) == pytest.approx(before, abs=0.25)
    with pytest.raises(TrainingError, match=r"is quantized already"):
        quantize_artifact(out, folder, tmp_path / "again", max_drop=1, cache=cache)


def test_of_what_split_wrote_train_calibrates_and_val_judges(
    exported: Path, divided: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: dict[str, np.ndarray] = {}

    def watched(source: Path, target: Path, calibration: np.ndarray, judged: DataSet, _: float) -> Change:
        seen.update(calibration=calibration, judged=judged.images)
        target.write_bytes(source.read_bytes())
        return change(1, 1)

    monkeypatch.setattr("training.serving.convert.quantize_checked", watched)
    quantize_artifact(exported, divided, tmp_path / "int8", max_drop=1, cache=tmp_path / "cache")
    for part, images in (("train", seen["calibration"]), ("val", seen["judged"])):
        assert np.array_equal(images, load(divided / part, HEIGHT, WIDTH).images)


def test_an_export_is_tried_on_real_pictures(
    trained: Path, divided: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    parts = shutil.copytree(divided, tmp_path / "parts")
    (parts / "val" / "online" / "film.gif").write_bytes(b"GIF89a")
    sentence = export_artifact(trained, tmp_path / "onnx", parts, tmp_path / "cache")
    assert sentence.startswith("PyTorch, ONNX Runtime and OpenVINO agree within 0.0")
    assert sentence.endswith(
        " of a logit (0.001 is accepted) at batch 1, 2, 7, and on the class of each of 28 pictures of parts"
    )
    assert "skipped online/film.gif: GIF is not accepted; " in capsys.readouterr().out


def test_an_export_that_an_engine_classes_otherwise_is_not_kept(
    trained: Path, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def swapped(path: Path) -> Run:
        run = onnxruntime_run(path)
        return lambda images: run(images)[:, ::-1]

    monkeypatch.setattr("training.serving.convert.openvino_run", swapped)
    monkeypatch.setattr("training.serving.convert.FLOAT_TOLERANCE", 1000.0)
    with pytest.raises(TrainingError, match=r"^The engines give 28 of 28 pictures different classes, or batches of "):
        export_artifact(trained, tmp_path / "onnx", folder, tmp_path / "cache")
    assert not (tmp_path / "onnx").exists()


def test_weights_like_another_artifact_have_its_shape_and_none_of_its_merits(
    weights: Path, trained: Path, tmp_path: Path
) -> None:
    measured = spoil(
        trained, tmp_path / "measured", metrics={"mean_accuracy": 0.98, "measured_on": "x"}, temperature=0.5
    )
    document = package(weights, tmp_path / "artifact", **BARE | {"like": measured}).document  # type: ignore[arg-type]
    assert document["metrics"] == {"measured_on": "nothing"}
    assert document["temperature"] == 1.0
    assert (document["made_by"]["parent"], document["made_by"]["data_sha256"]) == (None, "unknown")


def test_what_is_normalised_by_other_numbers_is_not_carried_on(trained: Path, folder: Path, tmp_path: Path) -> None:
    spec = load_manifest(trained).document["input"] | {"mean": [0.5, 0.5, 0.5]}
    other = spoil(trained, tmp_path / "other", input=spec)
    with pytest.raises(TrainingError, match=r"is normalised by mean \(0\.5, 0\.5, 0\.5\)"):
        network_of(other)


def test_what_a_manifest_says_of_other_weights_is_not_inherited(
    trained: Path, exported: Path, folder: Path, tmp_path: Path
) -> None:
    """Whose size or golden answer was edited, its accuracy is not the weights' either."""
    larger = load_manifest(trained).document["input"] | {"height": 4 * HEIGHT}
    golden = load_manifest(exported).document["golden"] | {"logits": [5.0, -5.0]}
    edited = spoil(trained, tmp_path / "edited", input=larger)
    lying = spoil(exported, tmp_path / "lying", golden=golden)
    with pytest.raises(TrainingError, match=r"^pytorch answers the golden picture with .*; do not serve it, package"):
        export_artifact(edited, tmp_path / "out", folder, tmp_path)
    with pytest.raises(TrainingError, match=r"^onnxruntime answers .*, the manifest says \[5\.0, -5\.0\]"):
        quantize_artifact(lying, folder, tmp_path / "out", max_drop=100, cache=tmp_path)
    assert not (tmp_path / "out").exists()


def test_loading_leaves_torch_the_threads_that_it_had(trained: Path) -> None:
    threads = torch.get_num_threads()
    torch.set_num_threads(3)
    try:
        network_of(trained)
        assert torch.get_num_threads() == 3
    finally:
        torch.set_num_threads(threads)


def test_few_pictures_fill_a_batch_of_seven_again_and_again(
    trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sizes: set[int] = set()

    def watched(path: Path) -> Run:
        run = onnxruntime_run(path)

        def counted(images: Images) -> Logits:
            sizes.add(len(images))
            return run(images)

        return counted

    monkeypatch.setattr("training.serving.convert.onnxruntime_run", watched)
    photos = write_pictures(tmp_path / "photos", 1)
    sentence = export_artifact(trained, tmp_path / "onnx", photos, tmp_path / "cache")
    assert {1, 2, 7} <= sizes
    assert "at batch 1, 2, 7, and on the class of each of 2 pictures of photos" in sentence


@pytest.mark.parametrize("change", ["name", "type", "batch", "output"])
def test_a_graph_that_export_did_not_write_is_not_quantized(
    change: str, exported: Path, folder: Path, tmp_path: Path
) -> None:
    model = onnx.load(exported / "model.onnx")
    given, tensor = model.graph.input[0], model.graph.input[0].type.tensor_type
    if change == "name":
        given.name = "photo"
    elif change == "type":
        tensor.elem_type = onnx.TensorProto.FLOAT
    elif change == "batch":
        tensor.shape.dim[0].dim_value = 4
    else:
        model.graph.output[0].name = "scores"
    other = shutil.copytree(exported, tmp_path / "other")
    onnx.save(model, other / "model.onnx")
    manifest = json.loads((other / "manifest.json").read_text())
    manifest["weights"]["sha256"] = file_sha256(other / "model.onnx")
    (other / "manifest.json").write_text(json.dumps(manifest))
    sentence = rf"does not take `image`, uint8 \(any number, {HEIGHT}, {WIDTH}, 3\), or does not give `logits`; give"
    with pytest.raises(TrainingError, match=sentence):
        quantize_artifact(other, folder, tmp_path / "int8", max_drop=1, cache=tmp_path / "cache")
