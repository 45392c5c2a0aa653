"""TIFF files that OpenCV does not read rightly: of several bands, or of 32 bits in one."""

import logging
from dataclasses import dataclass

import numpy as np
from mmengine.logging import print_log
from PIL import TiffImagePlugin

SUFFIXES = ('.tif', '.tiff')
_WIDTH, _HEIGHT, _BITS, _PHOTOMETRIC, _SAMPLES, _PLANAR = 256, 257, 258, 262, 277, 284
_RGB, _CMYK = 2, 5
_told_of: set[int] = set()


@dataclass(frozen=True)
class Bands:
    """Layout of the first image of a TIFF file.

    Attributes:
        shape: (H, W).
        number: How many bands there are.
        bits: Of a value.
        is_plain: Whether OpenCV reads grey or RGB rightly, which has up to 16 bits, and lies pixel
            by pixel.
    """

    shape: tuple[int, int]
    number: int
    bits: int
    is_plain: bool


def tiff_bands(path: str) -> Bands | None:
    """Layout of a TIFF file; None if it is none, by its name or its first bytes."""
    if not path.lower().endswith(SUFFIXES):
        return None
    try:
        with open(path, 'rb') as file:
            header = file.read(8)
            if header[2:3] == b'\x2b':  # more than 4 GB
                header += file.read(8)
            tags = TiffImagePlugin.ImageFileDirectory_v2(header)
            file.seek(tags.next)
            tags.load(file)
            shape = int(tags[_HEIGHT]), int(tags[_WIDTH])
    except OSError:
        raise
    except Exception:  # whatever PIL raises on bytes that are no TIFF; decoders say it better
        return None
    number, bits = int(tags.get(_SAMPLES, 1)), int(np.max(tags.get(_BITS, 1)))
    coloured = tags.get(_PHOTOMETRIC) in (_RGB, _CMYK)
    fits = number in (1, 3) or (number == 4 and coloured)  # the fourth is left out
    lies_together = number == 1 or tags.get(_PLANAR, 1) == 1
    return Bands(shape, number, bits, fits and lies_together and not (number == 1 and bits > 16))


def read_bands(path: str, bands: Bands) -> np.ndarray:
    """(H, W, 3) BGR of the first three bands, or of the first one where there are two.

    Args:
        path: The file.
        bands: Its layout.

    Raises:
        ValueError: If tifffile is not installed, or has no decoder for the compression.
    """
    try:
        import tifffile
    except ImportError as error:
        raise ValueError(
            f'{path} has {bands.number} bands of {bands.bits} bits; such TIFF files are read by '
            'tifffile: pip install tifffile, or save three bands of them as an RGB image'
        ) from error
    pixels = tifffile.imread(path, key=0)
    if bands.number > 1 and pixels.shape[0] == bands.number and pixels.shape[1:] == bands.shape:
        pixels = pixels.transpose(1, 2, 0)  # band by band
    pixels = pixels.reshape(*bands.shape, -1)
    if bands.number > 1 and bands.number not in _told_of:
        _told_of.add(bands.number)
        which = 'the first three count as red, green and blue' if bands.number > 2 else 'one counts'
        print_log(f'{path} has {bands.number} bands: {which}', 'current', logging.WARNING)
    if pixels.shape[2] < 3:
        return np.repeat(pixels[..., :1], 3, 2)
    return np.ascontiguousarray(pixels[..., 2::-1])
