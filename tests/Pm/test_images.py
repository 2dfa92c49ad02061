"""Kept pictures: whole or not at all, and no temporary file left."""

import resource
from collections.abc import Iterator
from pathlib import Path

import pytest

from Pm.images import image_path, image_save

SHA256 = "ab" * 32


@pytest.fixture
def full_disk() -> Iterator[None]:
    """No file may grow beyond 10 bytes, which fails like a full disk does."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (10, hard))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.mark.parametrize(
    ("image_format", "extension"),
    [("JPEG", "jpg"), ("PNG", "png"), ("WEBP", "webp"), ("BMP", "bmp"), ("AVIF", "avif"), ("NEW", "bin")],
)
def test_name_is_made_of_hash_and_format_only(image_format: str, extension: str) -> None:
    assert image_path(Path("media"), SHA256, image_format) == Path(f"media/ab/{SHA256}.{extension}")


def test_nothing_is_left_when_the_disk_is_full(tmp_path: Path, full_disk: None) -> None:
    path = image_path(tmp_path, SHA256, "PNG")
    with pytest.raises(OSError, match="File too large"):
        image_save(path=path, image=b"x" * 1000)
    assert list(path.parent.iterdir()) == []
