from pathlib import Path

import numpy as np
import pytest
from PIL import Image


@pytest.fixture
def write_image():
    """Writes a grey ramp of (height, width) as an image of the path's format."""

    def write(path: Path, height: int, width: int, orientation: int = 1) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        ramp = np.linspace(0, 255, height * width).reshape(height, width).astype(np.uint8)
        image = Image.fromarray(ramp).convert('RGB')
        exif = image.getexif()
        exif[0x0112] = orientation
        image.save(path, exif=exif)

    return write


@pytest.fixture
def write_mask():
    """Writes an array, or a nested list of rows, as png."""

    def write(path: Path, values) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.asarray(values, dtype=np.uint8)).save(path)

    return write


@pytest.fixture
def truncate():
    """Cuts a file to a share of its length."""

    def cut(path: Path, share: float = 0.6) -> None:
        content = path.read_bytes()
        path.write_bytes(content[: int(len(content) * share)])

    return cut
