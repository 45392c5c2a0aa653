"""The one check of coordinates before they reach C code, which survives few of them.

pycocotools and OpenCV overflow on what is not finite or far away, and need memory for every pixel
of an outline.
"""

from collections.abc import Iterable, Sequence

import numpy as np

FARTHEST = 10  # longer sides of the image; shapes may leave it
LONGEST = 2_000_000  # pixels of an outline; pycocotools takes some 100 bytes for each


def check_points(what: str, points: Sequence | np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """Points of a shape, if they can be drawn.

    Args:
        what: Names the shape in messages.
        points: (x, y) in pixels.
        shape: (H, W) of the image.

    Returns:
        (N, 2) float64.

    Raises:
        ValueError: If they are no such numbers, not finite or far outside the image, or their
            outline is endless.
    """
    points = as_numbers(what, points)
    if points.ndim != 2 or points.shape[1] != 2:
        raise ValueError(f'{what} is a list of (x, y) points, got {_short(points.tolist())}')
    check_near(what, points, shape)
    steps = np.abs(np.diff(points, axis=0, append=points[:1]))
    if (length := steps.max(1).sum()) > LONGEST:
        raise ValueError(
            f'{what} has an outline of {length:.0f} pixels, at most {LONGEST} are drawn: give '
            'fewer points, or a mask image'
        )
    return points


def check_near(what: str, coordinates: np.ndarray, shape: tuple[int, int]) -> None:
    """Refuse coordinates that are not finite, or far outside an image of (H, W) pixels."""
    farthest = FARTHEST * max(shape)
    odd = coordinates[~(np.abs(coordinates) <= farthest)]
    if odd.size:
        raise ValueError(
            f'{what} has a coordinate {odd.flat[0]:g}, far outside its image, '
            f'{shape[1]}x{shape[0]} pixels'
        )


def check_pixels(what: str, coordinates: Iterable[np.ndarray], shape: tuple[int, int]) -> None:
    """Refuse an annotation whose coordinates are all from 0 to 1: shares of the image, as YOLO's.

    Raises:
        ValueError: If they are, and the image has more than 2 pixels in a row or column.
    """
    coordinates = list(coordinates)
    if coordinates and max(shape) > 2 and all(((c >= 0) & (c <= 1)).all() for c in coordinates):
        raise ValueError(
            f'{what}: all coordinates are from 0 to 1; they are counted in pixels, of which the '
            f'image has {shape[1]}x{shape[0]}: multiply x by {shape[1]} and y by {shape[0]}'
        )


def as_numbers(what: str, values: Sequence | np.ndarray) -> np.ndarray:
    """The values as float64.

    Raises:
        ValueError: If they are no numbers, or lists of unlike length.
    """
    try:
        numbers = np.asarray(values)
    except ValueError:  # lists of unlike length
        numbers = np.empty(0, object)
    if numbers.dtype.kind not in 'iuf':
        raise ValueError(f'{what} is made of numbers, got {_short(values)}')
    return numbers.astype(float)


def _short(values: object) -> str:
    return f'{values!r:.80}'
