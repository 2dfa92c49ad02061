"""Reading a folder: order, groups, what is skipped and what is refused."""

import os
import shutil
import tracemalloc
from pathlib import Path
from typing import IO

import numpy as np
import pytest
from PIL import Image

from resnet_server.preprocess import PreprocessSpec, preprocess
from tests.training.noise import HEIGHT, WIDTH, picture
from tests.training.scenes import scenes
from training.errors import TrainingError
from training.photos import data as reading
from training.photos.analyze import analyze
from training.photos.copies import add_copies
from training.photos.data import MANIFEST, Skipped, load, scan, upright_size
from training.photos.split import shares_of, split


def test_load_reads_every_picture_with_its_label_and_group(folder: Path) -> None:
    data = load(folder, HEIGHT, WIDTH)
    assert data.images.shape == (32, HEIGHT, WIDTH, 3)
    assert data.images.dtype == np.uint8
    assert data.labels.tolist() == [0] * 16 + [1] * 16
    assert [sample.group for sample in data.samples[:5]] == ["north", "south", "east", "west", "north"]
    assert data.skipped == ()


def test_load_gives_the_pixels_that_serving_sees(folder: Path) -> None:
    data = load(folder, HEIGHT, WIDTH)
    served, _ = preprocess((folder / "online" / "03.png").read_bytes(), PreprocessSpec(HEIGHT, WIDTH))
    assert np.array_equal(data.images[19], served)


def test_load_gives_the_same_from_its_cache(folder: Path, tmp_path: Path) -> None:
    fresh, cached = (load(folder, HEIGHT, WIDTH, tmp_path) for _ in range(2))
    assert np.array_equal(fresh.images, cached.images)
    assert (fresh.samples, fresh.sha256) == (cached.samples, cached.sha256)


def test_load_lists_unreadable_files_with_the_reason(tmp_path: Path) -> None:
    for label, name in enumerate(("offline", "online")):
        (tmp_path / name).mkdir()
        picture(label, 0).save(tmp_path / name / "good.png")
    (tmp_path / "online" / "film.gif").write_bytes(b"GIF89a" + bytes(40))
    whole = (tmp_path / "online" / "good.png").read_bytes()
    (tmp_path / "online" / "half.png").write_bytes(whole[: len(whole) // 2])
    data = load(tmp_path, HEIGHT, WIDTH)
    assert data.skipped == (
        Skipped("online/film.gif", "GIF is not accepted; send JPEG, PNG, WebP, BMP or AVIF."),
        Skipped("online/half.png", "The image is damaged or cut short; send the whole file."),
    )
    assert [sample.path for sample in data.samples] == ["offline/good.png", "online/good.png"]
    assert len(data.images) == 2


def test_load_groups_equal_pictures_when_there_is_no_manifest(tmp_path: Path) -> None:
    for label, name in enumerate(("offline", "online")):
        (tmp_path / name).mkdir()
        picture(label, 0).save(tmp_path / name / "one.png")
        picture(label, 0).save(tmp_path / name / "two.png")
    groups = [sample.group for sample in load(tmp_path, HEIGHT, WIDTH).samples]
    assert groups[0] == groups[1] != groups[2] == groups[3]


def test_load_refuses_a_folder_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match=r"is not a folder; give one with the sub-folders offline and online\.$"):
        load(tmp_path / "absent", HEIGHT, WIDTH)


def test_load_refuses_other_classes(tmp_path: Path) -> None:
    (tmp_path / "cats").mkdir()
    with pytest.raises(TrainingError, match=r"must hold the sub-folders offline and online, and holds cats\.$"):
        load(tmp_path, HEIGHT, WIDTH)


def test_load_refuses_an_empty_class(tmp_path: Path) -> None:
    for name in ("offline", "online"):
        (tmp_path / name).mkdir()
    picture(0, 0).save(tmp_path / "offline" / "one.png")
    with pytest.raises(TrainingError, match=r"online holds no readable picture\.$"):
        load(tmp_path, HEIGHT, WIDTH)


def test_of_a_class_without_a_readable_picture_the_first_file_is_named(tmp_path: Path) -> None:
    photos = two_classes(tmp_path)
    (photos / "offline" / "film.gif").write_bytes(b"GIF89a" + bytes(40))
    (photos / "online" / "one.png").unlink()
    (photos / "online" / "\udcff.png").write_bytes(b"GIF89a" + bytes(40))
    sentence = (
        r"online holds no readable picture; the first file, online/\\udcff\.png: GIF is not accepted; send JPEG, PNG, "
    )
    with pytest.raises(TrainingError, match=sentence):
        load(photos, HEIGHT, WIDTH)


def test_load_refuses_a_manifest_without_groups(tmp_path: Path) -> None:
    for label, name in enumerate(("offline", "online")):
        (tmp_path / name).mkdir()
        picture(label, 0).save(tmp_path / name / "one.png")
    (tmp_path / "manifest.csv").write_text("cls,file\noffline,one.png\n", encoding="utf-8")
    with pytest.raises(TrainingError, match=r"has no column group or repo\.$"):
        load(tmp_path, HEIGHT, WIDTH)


def two_classes(root: Path) -> Path:
    """One picture a class."""
    for label, name in enumerate(("offline", "online")):
        (root / name).mkdir(parents=True)
        picture(label, 0).save(root / name / "one.png")
    return root


def test_scan_lists_what_load_reads_without_decoding(folder: Path) -> None:
    assert scan(folder) == load(folder, HEIGHT, WIDTH).samples


@pytest.mark.parametrize(
    "manifest",
    [
        "cls,file,repo\noffline,one.png,hall\n",
        "path,group\noffline/one.png,hall\n",
        "path,group,repo,width\noffline/one.png,hall,other,640\n",
        "cls,file,path,repo\noffline,one.png,assets/where it was.png,hall\n",
        "\ufeffpath,group\noffline/one.png,hall\nonline/one.png,\nonline/gone.png,x\n",
    ],
)
def test_a_manifest_names_files_and_groups_in_either_way(tmp_path: Path, manifest: str) -> None:
    (two_classes(tmp_path) / MANIFEST).write_text(manifest, encoding="utf-8")
    first, second = scan(tmp_path)
    assert first.group == "hall"
    assert second.group == second.sha256


def test_a_manifest_that_names_no_files_is_refused(tmp_path: Path) -> None:
    (two_classes(tmp_path) / MANIFEST).write_text("group\nhall\n", encoding="utf-8")
    with pytest.raises(TrainingError, match=r"manifest\.csv has no column path, nor cls and file\.$"):
        scan(tmp_path)


def test_a_manifest_that_is_no_text_is_refused(tmp_path: Path) -> None:
    (two_classes(tmp_path) / MANIFEST).write_bytes(b"PK\x03\x04\xff\xfe")
    with pytest.raises(TrainingError, match=r"manifest\.csv is not a CSV table in UTF-8\.$"):
        scan(tmp_path)


def test_what_file_managers_leave_behind_is_ignored(tmp_path: Path) -> None:
    two_classes(tmp_path)
    for name in ("offline/.DS_Store", "offline/Thumbs.db", "online/.hidden/two.png", "__MACOSX/offline/._one.png"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(b"x")
    loaded = load(tmp_path, HEIGHT, WIDTH)
    assert [sample.path for sample in loaded.samples] == ["offline/one.png", "online/one.png"]
    assert loaded.skipped == ()


def test_a_file_in_place_of_a_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "photo.jpg").write_bytes(b"x")
    with pytest.raises(TrainingError, match=r"photo\.jpg is not a folder"):
        scan(tmp_path / "photo.jpg")


def test_a_disk_without_room_is_noticed_before_decoding(
    tmp_path: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Usage:
        free = 184_319

    monkeypatch.setattr("training.photos.data.shutil.disk_usage", lambda _folder: Usage)
    sentence = r"^The decoded pixels need 184,320 bytes and .*cache has 184,319 free; name a folder on a larger disk"
    with pytest.raises(TrainingError, match=sentence + r" with --cache\.$"):
        load(folder, HEIGHT, WIDTH, tmp_path / "not yet there" / "cache")


def test_a_failed_write_leaves_nothing_behind(tmp_path: Path, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(file: IO[bytes], shape: object, pictures: object) -> None:
        file.write(b"half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("training.photos.data.write_pixels", full)
    with pytest.raises(OSError, match="No space left on device"):
        load(folder, HEIGHT, WIDTH, tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_damaged_cache_is_named(tmp_path: Path, folder: Path) -> None:
    load(folder, HEIGHT, WIDTH, tmp_path)
    next(tmp_path.glob("*.npy")).write_bytes(b"half")
    with pytest.raises(TrainingError, match=r"\.npy are damaged; delete it and .*\.json\.$"):
        load(folder, HEIGHT, WIDTH, tmp_path)


def test_the_upright_size_is_what_a_viewer_shows(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.new("RGB", (30, 20)).save(tmp_path / "turned.jpg", exif=exif)
    Image.new("RGB", (30, 20)).save(tmp_path / "plain.jpg")
    sizes = [upright_size((tmp_path / name).read_bytes()) for name in ("turned.jpg", "plain.jpg")]
    assert sizes == [(20, 30), (30, 20)]


def test_a_file_name_that_is_no_utf8_is_read_like_any_other(tmp_path: Path) -> None:
    photos = tmp_path / "photos"
    for label, name in enumerate(("offline", "online")):
        (photos / name).mkdir(parents=True)
        picture(label, 0).save(photos / name / "one.png")
    odd = os.fsdecode(b"\xff\xfe.png")
    picture(0, 1).save(photos / "offline" / odd)
    data = load(photos, HEIGHT, WIDTH, tmp_path / "cache")
    assert [sample.path for sample in data.samples] == ["offline/one.png", f"offline/{odd}", "online/one.png"]


def test_a_cache_is_filled_one_picture_at_a_time(folder: Path, tmp_path: Path) -> None:
    load(folder, HEIGHT, WIDTH, tmp_path)  # what the first call imports and keeps is not what is measured
    tracemalloc.start()
    try:
        images = load(folder, 10 * HEIGHT, 10 * WIDTH, tmp_path).images
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < images.nbytes / 3


def test_a_cache_holds_what_numpy_would_save_without_the_unreadable(tmp_path: Path) -> None:
    (two_classes(tmp_path / "data") / "offline" / "film.gif").write_bytes(b"GIF89a" + bytes(40))
    images = load(tmp_path / "data", HEIGHT, WIDTH, tmp_path / "cache").images
    np.save(tmp_path / "whole.npy", images)
    assert images.shape == (2, HEIGHT, WIDTH, 3)
    assert next((tmp_path / "cache").glob("*.npy")).read_bytes() == (tmp_path / "whole.npy").read_bytes()


@pytest.fixture
def film(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Skipped:
    """A data set in `tmp_path` with one file that is too large; reading it whole fails the test."""
    scenes(tmp_path, 4, 4)
    with (tmp_path / "online" / "film.png").open("wb") as file:
        file.truncate(reading.MAX_BYTES + 1)
    whole = Path.read_bytes

    def read(path: Path) -> bytes:
        assert path.name != "film.png"
        return whole(path)

    monkeypatch.setattr(Path, "read_bytes", read)
    return Skipped("online/film.png", "The file has 100000001 bytes; the limit is 100000000.")


def test_no_step_reads_a_film_into_memory(tmp_path: Path, film: Skipped) -> None:
    assert load(tmp_path, HEIGHT, WIDTH).skipped == (film,)
    assert split(tmp_path, shares_of(0.5, 0.5, 0), 0).skipped == (film,)
    assert analyze(tmp_path).rejected == (film,)
    assert analyze(tmp_path / "online").rejected == (Skipped("film.png", film.reason),)


def test_augment_does_not_either(tmp_path: Path, film: Skipped, tmp_path_factory: pytest.TempPathFactory) -> None:
    assert add_copies(tmp_path, tmp_path_factory.mktemp("more") / "out", 0).skipped == (film,)


def test_a_cache_among_the_classes_is_refused_before_it_is_one(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    photos = shutil.copytree(folder, tmp_path / "photos")
    monkeypatch.chdir(photos)  # where the default lies
    with pytest.raises(
        TrainingError, match=r"^The cache var/training-cache lies inside .*; name another by --cache\.$"
    ):
        load(Path(), HEIGHT, WIDTH, Path("var/training-cache"))
    assert not (photos / "var").exists()
