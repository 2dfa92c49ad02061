import base64
import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from benchmarks.errors import BenchmarkError
from benchmarks.photos import REAL_SIZES, Photo, load_photos, size, sizes, write_bodies, write_files
from resnet_server.preprocess import PreprocessSpec, preprocess
from tests.pictures import encode, screen


def test_generated_photos_have_the_sizes_and_formats_of_real_ones() -> None:
    photos = load_photos(None, 12)
    for photo, (width, height, kind) in zip(photos, REAL_SIZES, strict=False):
        with Image.open(io.BytesIO(photo.data)) as image:
            assert (image.width, image.height, image.format) == (width, height, kind)
        assert photo.label is None
    assert photos[0].data == load_photos(None, 1)[0].data
    assert photos[0].data != photos[11].data  # the second round of the sizes has other pictures


def test_real_photos_are_taken_by_turns_from_both_labels_and_spread_over_each(tmp_path: Path) -> None:
    for label in ("offline", "online"):
        (tmp_path / label).mkdir()
        (tmp_path / label / "notes.txt").write_text("no photo")
        for number in range(10):
            (tmp_path / label / f"{number}.png").write_bytes(f"{label}{number}".encode())
    photos = load_photos(tmp_path, 4)
    assert [(photo.name, photo.label) for photo in photos] == [("0.png", 0), ("0.png", 1), ("5.png", 0), ("5.png", 1)]
    assert photos[3].data == b"online5"


def test_a_folder_without_photos_is_an_error_that_names_it(tmp_path: Path) -> None:
    with pytest.raises(BenchmarkError, match="offline holds no photos"):
        load_photos(tmp_path, 4)


@pytest.mark.parametrize("kind", ["JPEG", "PNG"])
def test_the_digits_behind_a_picture_change_its_bytes_and_no_pixel(kind: str, tmp_path: Path) -> None:
    data = encode(screen(301, 203), kind)
    write_bodies([Photo("a", data)], tmp_path / "bodies.txt")
    posted = base64.b64decode((tmp_path / "bodies.txt").read_text().strip() + f"{12:016d}", validate=True)
    assert posted.startswith(data)
    spec = PreprocessSpec(70, 50)
    np.testing.assert_array_equal(preprocess(posted, spec)[0], preprocess(data, spec)[0])


def test_files_are_numbered_in_the_order_of_the_photos(tmp_path: Path) -> None:
    write_files([Photo("z", b"first"), Photo("a", b"second")], tmp_path / "new")
    assert [path.read_bytes() for path in sorted((tmp_path / "new").iterdir())] == [b"first", b"second"]


def test_sizes_and_classes_are_read_from_the_pictures() -> None:
    small, large = Photo("s", encode(screen(640, 360))), Photo("l", encode(screen(2000, 1500), "JPEG"))
    huge = Photo("h", encode(Image.new("L", (3000, 2000))))
    assert sizes([large, small]).startswith("2 photos, 640 x 360 to 2000 x 1500, ")
    assert [size(each) for each in (small, large, huge)] == ["PNG up to 0.5 MP", "JPEG up to 4 MP", "PNG above 4 MP"]
