"""Reading and checking of image and mask files."""

from collections.abc import Iterator
from contextlib import contextmanager

import mmcv
import numpy as np
from PIL import Image

IMAGE_SUFFIXES = ('.jpg', '.jpeg', '.png', '.bmp', '.webp')
_EXIF_ORIENTATION = 0x0112


class UnreadableImageError(ValueError):
    """A file that exists but cannot be decoded."""


@contextmanager
def decoding(path: str) -> Iterator[None]:
    """Turns whatever a decoder raises on a broken file into an error that names the file."""
    try:
        yield
    except Exception as error:  # decoders raise OSError, SyntaxError, struct.error, zlib.error, ...
        raise UnreadableImageError(f'{path}: {error}') from error


def image_shape(path: str) -> tuple[int, int]:
    """(H, W) of an image as MMCV loads it, that is, turned if its EXIF orientation says so.

    The file is decoded to its end (a JPEG at an eighth of its size), so truncation is noticed.

    Raises:
        UnreadableImageError: If the file cannot be decoded.
    """
    with decoding(path), Image.open(path) as image:
        width, height = image.size
        turned = image.getexif().get(_EXIF_ORIENTATION, 1) != 1
        image.draft('L', (width // 8 or 1, height // 8 or 1))
        image.load()
        if turned:  # which formats are turned is up to MMCV's decoder
            height, width = mmcv.imread(path).shape[:2]
    return height, width


def read_mask(path: str, grey: bool = False) -> np.ndarray:
    """(H, W) uint8 values of a mask file.

    Palette images give their indices, black-and-white ones 0 and 255, colour ones are taken if
    their channels agree. With ``grey`` everything is first turned into its luminance.

    Raises:
        UnreadableImageError: If the file cannot be decoded.
        ValueError: If the mask has colours or values above 255.
    """
    with decoding(path), Image.open(path) as image:
        image.load()
        if grey or image.mode in ('1', 'LA'):
            image = image.convert('L')
        elif image.mode in ('RGBA', 'RGBX'):
            image = image.convert('RGB')
        mask = np.asarray(image)
    if mask.ndim == 3:
        if (mask != mask[..., :1]).any():
            raise ValueError(
                f'{path}: a mask holds one value per pixel, this one has colours ({image.mode})'
            )
        mask = mask[..., 0]
    if mask.dtype != np.uint8:
        if mask.min() < 0 or mask.max() > 255:
            raise ValueError(
                f'{path}: mask values must be 0..255, found {mask.min()}..{mask.max()}'
            )
        mask = mask.astype(np.uint8)
    return mask
