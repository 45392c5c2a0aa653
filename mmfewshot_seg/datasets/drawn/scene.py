"""One drawn image: objects on a cluttered background, with the mask of each object.

Masks follow the usual rule of rasterisation: a pixel belongs to the topmost object that contains
its centre, and to the background if there is none. The picture itself is anti-aliased.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.random import RandomState

from mmfewshot_seg.datasets.drawn.background import SUBPIXEL, draw_background
from mmfewshot_seg.datasets.drawn.classes import CLASSES, DrawnClass
from mmfewshot_seg.datasets.drawn.shapes import Outline, outline, transform
from mmfewshot_seg.datasets.drawn.textures import clouds, draw_surface

MIN_AREA, MAX_AREA = 0.01, 0.40  # visible part of an object, as a share of the image
MAX_OBJECTS = 6
SUPERSAMPLING = 5  # odd, so that one sample lies on each pixel's centre
MIN_VISIBLE = 0.65  # share of an object's drawn area that no later object may cover


@dataclass(frozen=True)
class Scene:
    """A drawn image.

    Attributes:
        image: (H, W, 3) uint8 BGR.
        instances: (H, W) uint8; 0 background, n = visible part of object n (1-based).
        class_ids: Class of each object, an index into `CLASSES`; in drawing order, so that a
            later object lies on top of an earlier one.
    """

    image: np.ndarray
    instances: np.ndarray
    class_ids: tuple[int, ...]

    @property
    def label_map(self) -> np.ndarray:
        """(H, W) uint8: 0 background, else class index plus 1."""
        return np.array([0, *[c + 1 for c in self.class_ids]], np.uint8)[self.instances]


def draw_scene(
    height: int,
    width: int,
    groups: Sequence[Sequence[int]],
    rng: RandomState,
    max_objects: int = MAX_OBJECTS,
) -> Scene:
    """Draw an image with 2 to 6 objects, or fewer.

    Args:
        height: Pixels from top to bottom.
        width: Pixels from left to right.
        groups: Groups of indices into `CLASSES`. The class of an object comes from each group
            equally often, and within it from each class equally often.
        rng: Source of everything in the image.
        max_objects: The most objects of an image.
    """
    count = min(_choose((2, 2, 2, 3, 3, 3, 4, 4, 5, MAX_OBJECTS), rng), max_objects)
    wanted = [_choose(_choose(groups, rng), rng) for _ in range(count)]
    image = draw_background(height, width, rng)
    instances = np.zeros((height, width), np.uint8)
    drawn: list[int] = []
    sizes: list[int] = []
    # Diameters are uniform. Large objects first, so that small ones lie on them, not under them.
    areas = np.sort(rng.uniform(0.105, 0.63, size=count) ** 2)[::-1]
    for class_id, area in zip(wanted, areas, strict=True):
        placed = _place(CLASSES[class_id], area, instances, sizes, rng)
        if placed is None:
            continue
        inside = _at_pixel_centres(placed[0]) > 0
        drawn.append(class_id)
        sizes.append(np.count_nonzero(inside))
        instances[inside] = len(drawn)
        _paint(image, CLASSES[class_id], *placed, rng)
    return Scene(_photograph(image, rng), instances, tuple(drawn))


def _choose(options: Sequence, rng: RandomState) -> Any:
    return options[rng.randint(len(options))]


def _place(
    drawn_class: DrawnClass,
    area: float,
    instances: np.ndarray,
    sizes: Sequence[int],
    rng: RandomState,
) -> tuple[np.ndarray, float, np.ndarray] | None:
    """Find a place where the new object and all earlier ones stay visible enough.

    Args:
        drawn_class: Class of the new object.
        area: Wanted area as a share of the image; smaller if that does not fit.
        instances: (H, W) the objects drawn so far.
        sizes: Pixels of each of them before others covered it.
        rng: Source of outline, angle and place.

    Returns:
        The samples inside it (H * SUPERSAMPLING, W * SUPERSAMPLING) uint8 0 or 255, its angle in
        radians and its centre (x, y) in pixels; None if no place was found.
    """
    height, width = instances.shape
    least, most = MIN_AREA * instances.size, MAX_AREA * instances.size
    kept = np.maximum(MIN_VISIBLE * np.array([0, *sizes]), least)[1:]
    for _ in range(40):
        angle = rng.uniform(0, 2 * np.pi)
        margin = 0.03 + 0.3 * np.sqrt(area)  # large objects need the middle to fit
        centre = rng.uniform(margin, 1 - margin, size=2) * (width, height)
        contours = outline(drawn_class.shape, rng)
        pixels = area * instances.size
        contours = transform(contours, pixels, angle, rng.uniform(0.8, 1.25), centre)
        samples = _rasterise(contours, height, width)
        inside = _at_pixel_centres(samples) > 0
        own = np.count_nonzero(inside)
        if 0.8 * pixels <= own and least <= own <= most:
            left = np.bincount(instances[~inside], minlength=len(sizes) + 1)[1:]
            if np.all(left >= kept):
                return samples, angle, centre
        area = max(0.93 * area, 1.3 * MIN_AREA)
    return None


def _rasterise(contours: Outline, height: int, width: int) -> np.ndarray:
    """Fill contours (the even-odd rule) on a grid `SUPERSAMPLING` times as fine as the pixels."""
    samples = np.zeros((height * SUPERSAMPLING, width * SUPERSAMPLING), np.uint8)
    corners = [
        np.round((contour * SUPERSAMPLING - 0.5) * 2**SUBPIXEL).astype(np.int32)
        for contour in contours
    ]
    return cv2.fillPoly(samples, corners, 255, cv2.LINE_8, SUBPIXEL)


def _at_pixel_centres(samples: np.ndarray) -> np.ndarray:
    return samples[SUPERSAMPLING // 2 :: SUPERSAMPLING, SUPERSAMPLING // 2 :: SUPERSAMPLING]


def _paint(
    image: np.ndarray,
    drawn_class: DrawnClass,
    samples: np.ndarray,
    angle: float,
    centre: np.ndarray,
    rng: RandomState,
) -> None:
    """Draw an object and the shadow it casts into ``image`` (H, W, 3)."""
    height, width = image.shape[:2]
    size = min(height, width)
    cover = cv2.resize(samples, (width, height), interpolation=cv2.INTER_AREA).astype(float) / 255

    shift = rng.uniform(-0.025, 0.025, size=2) * size
    matrix = np.array([[1, 0, shift[0]], [0, 1, shift[1]]])
    shadow = cv2.GaussianBlur(cover, (0, 0), 0.02 * size)
    shadow = cv2.warpAffine(shadow, matrix, (width, height))
    image *= 1 - rng.uniform(0.2, 0.5) * shadow[..., None]

    rows, cols = np.nonzero(cover.any(axis=1))[0], np.nonzero(cover.any(axis=0))[0]
    part = np.s_[rows[0] : rows[-1] + 1, cols[0] : cols[-1] + 1]
    y, x = np.mgrid[part]
    x, y = x + 0.5 - centre[0], y + 0.5 - centre[1]
    cos, sin = np.cos(angle), np.sin(angle)
    grid = np.stack([cos * x + sin * y, cos * y - sin * x], axis=-1)
    period = size * rng.uniform(0.055, 0.08)
    surface = draw_surface(drawn_class.texture, drawn_class.color, grid, period, rng)
    surface = surface * _relief(cover, 0.015 * size)[part][..., None]
    image[part] += cover[part][..., None] * (surface - image[part])


def _relief(cover: np.ndarray, width: float) -> np.ndarray:
    """Brightness of a plate with rounded edges, lit from the upper left; 1 where it is flat."""
    soft = cv2.GaussianBlur(cover, (0, 0), width)
    slope = (cv2.Sobel(soft, cv2.CV_64F, 1, 0) + cv2.Sobel(soft, cv2.CV_64F, 0, 1)) * width / 8
    return 1 + np.clip(1.2 * slope, -0.3, 0.3)


def _photograph(image: np.ndarray, rng: RandomState) -> np.ndarray:
    """Uneven light, a colour cast, contrast and sensor noise; (H, W, 3) uint8."""
    height, width = image.shape[:2]
    light = 0.8 + 0.4 * clouds(height, width, 0.6 * min(height, width), rng)[..., None]
    cast = rng.uniform(0.94, 1.06, size=3)
    image = np.clip(image * light * cast, 0, 1) ** rng.uniform(0.85, 1.15)
    image = image + rng.normal(0, rng.uniform(0.005, 0.025), size=image.shape)
    return np.round(255 * np.clip(image, 0, 1)).astype(np.uint8)
