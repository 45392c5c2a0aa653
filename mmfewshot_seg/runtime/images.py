"""From an image of a user to what an exported network sees.

Shape letters: ``H W`` size of the image, ``H' W'`` what the network sees.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from PIL import Image, ImageOps

ImageSource = str | Path | np.ndarray | Image.Image

_DEEP_MODES = ('I', 'F')  # of PIL, which would cut them off at 255


def load_image(image: ImageSource) -> np.ndarray:
    """(H, W, 3) uint8 BGR of a path, an array of this form or a PIL image.

    An orientation in its EXIF data is applied.

    Raises:
        FileNotFoundError: If there is no such file.
        TypeError: If it is none of these.
        ValueError: If a file cannot be decoded, a file or PIL image has more than 8 bits, or an
            array has another form.
    """
    if isinstance(image, Image.Image):
        if image.mode in _DEEP_MODES or image.mode.startswith('I;16'):
            raise ValueError(f'the PIL image has the mode {image.mode}: convert it to 8 bits')
        return np.array(_turned(image).convert('RGB'))[..., ::-1]
    if isinstance(image, np.ndarray):
        if image.ndim != 3 or image.shape[2] != 3 or image.dtype != np.uint8 or not image.size:
            raise ValueError(
                f'an image array is (H, W, 3) uint8, BGR, got {image.shape} {image.dtype}'
            )
        return image
    if not isinstance(image, str | Path):
        raise TypeError(f'an image is a path, an array or a PIL image, not {type(image).__name__}')
    if not Path(image).is_file():
        raise FileNotFoundError(f'{image} does not exist')
    data = np.fromfile(image, np.uint8)
    loaded = cv2.imdecode(data, cv2.IMREAD_COLOR | cv2.IMREAD_ANYDEPTH) if data.size else None
    if loaded is None:
        raise ValueError(f'{image} cannot be decoded as an image')
    if loaded.dtype != np.uint8:
        raise ValueError(f'{image} has pixels of type {loaded.dtype}: save it with 8 bits')
    return loaded


def load_label(mask: ImageSource, shape: tuple[int, int]) -> np.ndarray:
    """(H, W) uint8 of a mask: 0 background, 1 the class, 255 not annotated.

    Args:
        mask: An (H, W) array, a file or a PIL image, which are turned by their EXIF orientation as
            images are. If it has one value besides 0, this is the class; 255 beside 1 is not
            annotated. Of a palette the indices count; 0 has to be black.
        shape: Height and width of the image.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If a file cannot be decoded, the size differs, there are more values, or none
            besides 0, or index 0 of a palette is not black.
    """
    if isinstance(mask, str | Path):
        if not Path(mask).is_file():
            raise FileNotFoundError(f'mask {mask} does not exist')
        try:
            with Image.open(mask) as opened:
                values = _values(opened)
        except (OSError, SyntaxError) as error:
            raise ValueError(f'mask {mask} cannot be decoded: {error}') from error
    else:
        values = _values(mask) if isinstance(mask, Image.Image) else np.asarray(mask)
    if values.shape != shape:
        raise ValueError(f'a mask of shape {values.shape} for an image of {shape}: give (H, W)')
    found = set(np.unique(values).tolist()) - {0}
    if found == {1, 255}:
        if not (values == 0).any():
            raise ValueError('a mask marks the class but no background, 0')
        return values.astype(np.uint8)
    if len(found) != 1:
        raise ValueError(
            f'a mask has one value besides 0, or 1 and 255 (not annotated), got {sorted(found)}'
        )
    return (values != 0).astype(np.uint8)


def _turned(image: Image.Image) -> Image.Image:
    """The image as OpenCV would load it: turned by its EXIF orientation, except a WebP."""
    return image if image.format == 'WEBP' else ImageOps.exif_transpose(image)


def _values(mask: Image.Image) -> np.ndarray:
    """Values of a mask, its palette left out."""
    if mask.mode == 'P' and any((mask.getpalette() or [0])[:3]):
        raise ValueError(
            'index 0 of the palette of a mask is not black, so indices and colours may mark unlike '
            'pixels: save it without a palette'
        )
    return np.array(_turned(mask))


class ImageSteps:
    """Resizing, padding and normalisation, as the meta data of a graph say.

    Args:
        meta: With ``steps``, ``mean``, ``std`` and ``channel_order``.
    """

    def __init__(self, meta: Mapping[str, Any]) -> None:
        self.steps: Sequence[Mapping[str, Any]] = meta['steps']
        self.mean, self.std = (
            np.asarray(meta[name], np.float32)[:, None, None] for name in ('mean', 'std')
        )
        self.is_rgb = meta['channel_order'] == 'RGB'

    def __call__(self, image: np.ndarray, label: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """What the network sees, before it is normalised.

        Args:
            image: (H, W, 3) uint8 BGR.
            label: (H, W) uint8.

        Returns:
            (H', W', 3) uint8 BGR and (H', W') uint8, 255 where it is padded.
        """
        for step in self.steps:
            height, width = image.shape[:2]
            if step['type'] == 'pad':
                wanted_width, wanted_height = step['size'] or _multiple(width, height, step)
                borders = (0, wanted_height - height, 0, wanted_width - width)
                if min(borders) < 0:
                    raise ValueError(f'an image of {width}x{height} does not fit {step["size"]}')
                value = step['value']
                image = cv2.copyMakeBorder(image, *borders, cv2.BORDER_CONSTANT, value=[value] * 3)
                label = cv2.copyMakeBorder(label, *borders, cv2.BORDER_CONSTANT, value=255)
            else:
                size = SIZES[step['type']](width, height, step)
                image = cv2.resize(image, size, interpolation=cv2.INTER_LINEAR)
                label = cv2.resize(label, size, interpolation=cv2.INTER_NEAREST)
        return image, label

    def ordered(self, image: np.ndarray) -> np.ndarray:
        """(H', W', 3) uint8 in the network's order of channels, of BGR."""
        return image[..., ::-1] if self.is_rgb else image

    def normalise(self, image: np.ndarray) -> np.ndarray:
        """(3, H', W') float32 of (H', W', 3) uint8 BGR."""
        values = self.ordered(image).transpose(2, 0, 1).astype(np.float32)
        return np.ascontiguousarray((values - self.mean) / self.std)


def _fixed(width: int, height: int, step: Mapping[str, Any]) -> tuple[int, int]:
    scale = step['scale']
    if not step['keep_ratio']:
        return tuple(scale)
    factor = min(max(scale) / max(height, width), min(scale) / min(height, width))
    return int(width * factor + 0.5), int(height * factor + 0.5)


def _long_side(width: int, height: int, step: Mapping[str, Any]) -> tuple[int, int]:
    longest, divisor = max(height, width), step['divisor']
    across, down = (
        max(side * step['long_side'] // longest // divisor, 1) * divisor for side in (width, height)
    )
    return across, down


def _multiple(width: int, height: int, step: Mapping[str, Any]) -> tuple[int, int]:
    divisor = step['divisor']
    across, down = (-(-side // divisor) * divisor for side in (width, height))
    return across, down


SIZES = {'resize': _fixed, 'resize_long_side': _long_side}
