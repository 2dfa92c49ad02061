"""Kept pictures: whole or not at all, and no temporary file left."""

import subprocess
import sys
from pathlib import Path

import pytest

from Pm.images import image_path

ROOT = Path(__file__).resolve().parents[2]
SHA256 = "ab" * 32


# In a process of its own: the limit holds for every file, the test report too.
SAVE_ON_A_FULL_DISK = """
import resource, sys
from pathlib import Path
from Pm.images import image_save
resource.setrlimit(resource.RLIMIT_FSIZE, (10, 10))
try:
    image_save(path=Path(sys.argv[1]), image=b"x" * 1000)
except OSError as exc:
    sys.exit(exc.strerror)
"""


@pytest.mark.parametrize(
    ("image_format", "extension"),
    [("JPEG", "jpg"), ("PNG", "png"), ("WEBP", "webp"), ("BMP", "bmp"), ("AVIF", "avif"), ("NEW", "bin")],
)
def test_name_is_made_of_hash_and_format_only(image_format: str, extension: str) -> None:
    assert image_path(Path("media"), SHA256, image_format) == Path(f"media/ab/{SHA256}.{extension}")


def test_nothing_is_left_when_the_disk_is_full(tmp_path: Path) -> None:
    path = image_path(tmp_path, SHA256, "PNG")
    command = [sys.executable, "-c", SAVE_ON_A_FULL_DISK, str(path)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=False)
    assert done.stderr == "File too large\n"
    assert list(path.parent.iterdir()) == []
