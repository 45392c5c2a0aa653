"""Checking of image files."""

import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager

import cv2
import mmcv
import numpy as np
from mmengine.logging import print_log
from PIL import Image

from mmfewshot_seg.datasets.sources.tiff_bands import read_bands, tiff_bands

IMAGE_SUFFIXES = (
    *('.jpg', '.jpeg', '.png', '.bmp', '.webp', '.tif', '.tiff'),
    *('.jp2', '.pbm', '.pgm', '.ppm', '.pnm'),
)
_SHALLOW_SUFFIXES = ('.jpg', '.jpeg', '.bmp', '.webp')  # 8 bits always
_EXIF_ORIENTATION = 0x0112
_told_of: set[int] = set()


class UnreadableImageError(ValueError):
    """A file that exists but cannot be decoded."""


@contextmanager
def decoding(path: str) -> Iterator[None]:
    """Turns whatever a decoder raises on a broken file into an error that names the file."""
    try:
        yield
    except Exception as error:  # decoders raise OSError, SyntaxError, struct.error, zlib.error, ...
        raise UnreadableImageError(f'{path}: {error}') from error


def check_image_array(image: np.ndarray) -> None:
    """Refuses arrays that are no image: grey, float, with alpha, channels first.

    Raises:
        ValueError: If an array is not (H, W, 3) uint8.
    """
    if image.ndim != 3 or image.shape[2] != 3 or image.dtype != np.uint8 or not image.size:
        raise ValueError(f'an image array is (H, W, 3) uint8, BGR, got {image.shape} {image.dtype}')


def image_shape(path: str, to_end: bool = True) -> tuple[int, int]:
    """(H, W) of an image as MMCV loads it, that is, turned if its EXIF orientation says so.

    Args:
        path: The file.
        to_end: Whether truncation is noticed: by the marker that a JPEG ends with, and where there
            is none by decoding the file to its end; otherwise only its head is read.

    Raises:
        UnreadableImageError: If the file cannot be decoded, or, to its end, by MMCV.
    """
    with decoding(path):
        bands = tiff_bands(path)
    if bands is not None and not bands.is_plain:
        if to_end:
            raise UnreadableImageError(
                f'{path} has {bands.number} bands of {bands.bits} bits, which MMCV reads wrongly '
                'or not at all: save one or three of them with 8 or 16 bits'
            )
        return bands.shape
    with decoding(path), Image.open(path) as image:
        width, height = image.size
        turned = image.getexif().get(_EXIF_ORIENTATION, 1) != 1
        if to_end and not _ends_as_jpeg(path):
            image.draft('L', (width // 8 or 1, height // 8 or 1))
            image.load()
            if image.mode.startswith('I;16'):
                bits = int(np.max(image.getextrema())).bit_length()
                if bits < 16:
                    _tell_of_dark(path, bits)
        if turned:  # which formats are turned is up to MMCV's decoder
            height, width = mmcv.imread(path).shape[:2]
    return height, width


def _ends_as_jpeg(path: str) -> bool:
    """Whether a file ends with the marker that a whole JPEG ends with."""
    with open(path, 'rb') as file:
        if file.read(2) != b'\xff\xd8':
            return False
        file.seek(-2, os.SEEK_END)
        return file.read() == b'\xff\xd9'


def _tell_of_dark(path: str, bits: int) -> None:
    """Say once for each number of bits what a data set makes of such files."""
    if bits not in _told_of:
        _told_of.add(bits)
        print_log(
            f'{path} holds {bits} bits in 16: data sets load the highest 8, as MMCV does, '
            'and see it nearly black; save such images with 8 bits',
            'current',
            logging.WARNING,
        )


def deep_image(path: str) -> np.ndarray | None:
    """(H, W, 3) BGR of an image file of more than 8 bits or of several bands; None of others.

    Of bands beside a grey one or three and transparency see :func:`read_bands`.
    """
    if path.lower().endswith(_SHALLOW_SUFFIXES):
        return None
    bands = tiff_bands(path)
    if bands is not None and not bands.is_plain:
        return read_bands(path, bands)
    data = np.fromfile(path, np.uint8)
    image = cv2.imdecode(data, cv2.IMREAD_COLOR | cv2.IMREAD_ANYDEPTH) if data.size else None
    return None if image is None or image.dtype == np.uint8 else image


def eight_bits(image: np.ndarray) -> np.ndarray:
    """The image as uint8.

    Whole numbers are shifted by as many bits as the largest of them has more than 8: cameras of
    12 bits write their values as they are into files of 16, of which the highest 8 bits alone
    would be nearly black. Others are from 0 to 1, or are divided by the largest.

    Args:
        image: Numbers of any type.

    Raises:
        ValueError: If there are negative ones, or some that are not finite.
    """
    if image.dtype == np.uint8:
        return image
    most = image.max()
    if not np.isfinite(image).all() or image.min() < 0:
        raise ValueError(f'pixels from {image.min()} to {most} are no image')
    if image.dtype.kind == 'f':
        return (image / max(most, 1) * 255).round().astype(np.uint8)
    return (image >> max(int(most).bit_length() - 8, 0)).astype(np.uint8)
