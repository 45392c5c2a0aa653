"""Bilinear resizing of maps, as PyTorch does it, without PyTorch."""

import numpy as np


def resize_bilinear(maps: np.ndarray, size: tuple[int, int], align_corners: bool) -> np.ndarray:
    """Resize as ``F.interpolate(mode='bilinear')``, up to rounding.

    Args:
        maps: (..., h, w) float32.
        size: Height and width of the result.
        align_corners: Whether the centres of the corners stay where they are, else the borders.

    Returns:
        (..., *size) float32.

    Examples:
        >>> resize_bilinear(np.float32([[0, 1]]), (1, 4), align_corners=False)
        array([[0.  , 0.25, 0.75, 1.  ]], dtype=float32)
    """
    for axis, new in zip((-2, -1), size, strict=True):
        if maps.shape[axis] != new:
            maps = _resize_axis(maps, axis, new, align_corners)
    return maps


def _resize_axis(maps: np.ndarray, axis: int, new: int, align_corners: bool) -> np.ndarray:
    old = maps.shape[axis]
    places: np.ndarray = np.arange(new, dtype=np.float32)
    if align_corners:
        places = places * np.float32((old - 1) / max(new - 1, 1))
    else:
        places = np.maximum((places + np.float32(0.5)) * np.float32(old / new) - np.float32(0.5), 0)
    low = np.minimum(places.astype(np.int64), old - 1)
    high = np.minimum(low + 1, old - 1)
    weight = (places - low).astype(np.float32)
    if axis == -2:
        weight = weight[:, None]
    below, above = np.take(maps, low, axis), np.take(maps, high, axis)
    return below * (1 - weight) + above * weight
