"""How a picture becomes the network's input where nothing but Pillow is used: the documents' three calls."""

import io

import numpy as np
import numpy.typing as npt
from PIL import Image

from resnet_server.preprocess import ImageInfo


def read(data: bytes, width: int, height: int) -> tuple[npt.NDArray[np.uint8], ImageInfo]:
    """Bytes → uint8 (1, height, width, 3) and the header: the whole picture is decoded, then squashed."""
    image = Image.open(io.BytesIO(data))
    pixels = image.convert("RGB").resize((width, height), Image.Resampling.BILINEAR)
    return np.asarray(pixels)[np.newaxis], ImageInfo(str(image.format), *image.size)
