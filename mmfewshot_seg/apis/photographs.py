"""Photographs that scikit-image carries, annotated for a few-shot inferencer.

They are read from the installed package, without a network; the annotations are of this project
and deliberately as rough as a hurried user's.
"""

import math
from dataclasses import dataclass

import numpy as np

from mmfewshot_seg.compat import PHOTOS_CURE

Point = tuple[float, float]

# Clockwise from the rear light; the second one is the right tube of the fork.
MOTORCYCLE = [
    [
        *((92, 216), (96, 197), (130, 194), (150, 205), (139, 162), (158, 146), (205, 170)),
        *((247, 168), (282, 194), (340, 188), (384, 177), (388, 158), (355, 171), (384, 138)),
        *((417, 121), (460, 142), (487, 115), (497, 81), (515, 80), (537, 121), (580, 119)),
        *((582, 138), (561, 145), (548, 180), (552, 200), (512, 220), (536, 275), (580, 264)),
        *((643, 302), (678, 380), (682, 430), (650, 451), (600, 437), (562, 410), (532, 367)),
        *((505, 330), (508, 303), (526, 281), (497, 225), (462, 240), (479, 305), (452, 360)),
        *((410, 378), (278, 358), (252, 387), (215, 401), (150, 372), (121, 305), (150, 245)),
        (104, 238),
    ],
    [(540, 204), (549, 202), (580, 264), (568, 266)],
]
COINS_SPLIT = 151  # first row of the lower half
COINS = [  # x, y, radius
    *((44.5, 54, 20.5), (100.5, 56.5, 18.5), (155.5, 51.5, 23), (215.5, 51.5, 22.5)),
    *((276, 53, 20), (335, 44, 29), (46, 124, 20.5), (103, 126, 18.5)),
    *((153.5, 127, 18.5), (206, 124.5, 20), (271, 120, 24.5), (337, 125, 19.5)),
]
GLANDS_SPLIT = 256  # first column of the right half
GLANDS = [
    [(20, 30), (60, 120), (120, 190), (190, 230)],
    [(30, 110), (120, 70), (200, 140), (240, 200)],
    [(110, 30), (130, 120)],
    [(200, 30), (235, 110)],
    [(20, 150), (80, 200), (165, 245), (240, 215)],
    [(15, 210), (70, 300), (100, 370), (110, 490)],
    [(70, 260), (80, 350), (75, 480)],
    [(120, 340), (140, 450)],
    [(60, 230), (95, 270), (130, 340), (145, 480)],
]
BESIDE_GLANDS = [
    [(95, 232), (150, 265), (240, 260)],
    [(150, 300), (190, 350), (200, 500)],
    [(230, 300), (215, 420), (240, 490)],
    [(175, 320), (170, 480)],
    [(125, 280), (165, 340), (170, 480)],
    [(15, 310), (20, 380)],
    [(15, 420), (20, 490)],
]


@dataclass(frozen=True)
class Photograph:
    """A class in two photographs, marked in one of them.

    Attributes:
        name: Name of the class.
        support: (H, W, 3) uint8 BGR, what is annotated.
        annotation: What marks the class in ``support``, for :func:`annotation_label`.
        query: (H', W', 3) uint8 BGR, shows the class too.
    """

    name: str
    support: np.ndarray
    annotation: dict[str, list]
    query: np.ndarray


def example_photographs() -> list[Photograph]:
    """A motorcycle from two points of view, coins, and glands in stained tissue.

    The motorcycle is outlined by polygons, the coins by circles, the glands and what lies beside
    them are marked by scribbles.

    Raises:
        ImportError: If scikit-image is not installed.
    """
    try:
        from skimage import data
    except ImportError as error:
        raise ImportError(f'example photographs need scikit-image. {PHOTOS_CURE}') from error
    left, right, _ = data.stereo_motorcycle()
    coins, tissue = data.coins(), data.immunohistochemistry()
    return [
        Photograph('motorcycle', _bgr(left), dict(polygons=MOTORCYCLE), _bgr(right)),
        Photograph(
            'coin',
            _bgr(coins[:COINS_SPLIT]),
            dict(polygons=[_circle(*coin) for coin in COINS]),
            _bgr(coins[COINS_SPLIT:]),
        ),
        Photograph(
            'gland',
            _bgr(tissue[:, :GLANDS_SPLIT]),
            dict(scribbles=GLANDS, background=BESIDE_GLANDS),
            _bgr(tissue[:, GLANDS_SPLIT:]),
        ),
    ]


def _circle(x: float, y: float, radius: float, corners: int = 24) -> list[Point]:
    angles = [2 * math.pi * corner / corners for corner in range(corners)]
    return [(x + radius * math.cos(angle), y + radius * math.sin(angle)) for angle in angles]


def _bgr(image: np.ndarray) -> np.ndarray:
    """BGR of an (H, W) grey or (H, W, 3) RGB image."""
    if image.ndim == 2:
        return np.repeat(image[..., None], 3, axis=2)
    return np.ascontiguousarray(image[..., ::-1])
