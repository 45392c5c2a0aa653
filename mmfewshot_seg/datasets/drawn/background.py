"""Cluttered backgrounds in the colours and patterns of the objects."""

import cv2
import numpy as np
from numpy.random import RandomState

from mmfewshot_seg.datasets.drawn.shapes import SHAPES, outline, transform
from mmfewshot_seg.datasets.drawn.textures import COLORS, TEXTURES, clouds, draw_color, draw_surface

SUBPIXEL = 4  # fractional bits of the coordinates given to OpenCV


def draw_background(height: int, width: int, rng: RandomState) -> np.ndarray:
    """Ground of soft colours, with lines and unannotated fragments of textured shapes.

    Args:
        height: Pixels from top to bottom.
        width: Pixels from left to right.
        rng: Source of everything in it.

    Returns:
        (height, width, 3) float64 BGR in [0, 1].
    """
    image = _ground(height, width, rng)
    for _ in range(rng.randint(6, 15)):
        _draw_line(image, rng)
    for _ in range(rng.randint(8, 17)):
        _draw_fragment(image, rng)
    return image


def _any_color(rng: RandomState) -> np.ndarray:
    return draw_color(list(COLORS)[rng.randint(len(COLORS))], rng)


def _ground(height: int, width: int, rng: RandomState) -> np.ndarray:
    """Three muted shades mixed by smooth noise and a gradient."""
    size = min(height, width)
    shades = [0.7 * rng.uniform(0.15, 0.95) + 0.3 * _any_color(rng) for _ in range(3)]
    coarse = clouds(height, width, size * rng.uniform(0.2, 0.5), rng)[..., None]
    fine = clouds(height, width, max(size * rng.uniform(0.02, 0.08), 2), rng)[..., None]
    y, x = np.mgrid[:height, :width] / size
    angle = rng.uniform(0, 2 * np.pi)
    slope = 0.5 + 0.5 * np.sin(x * np.cos(angle) + y * np.sin(angle) + rng.uniform(0, 6))
    image = shades[0] * (1 - coarse) + shades[1] * coarse
    image = image + (shades[2] - image) * 0.6 * slope[..., None]
    return np.clip(image + 0.25 * (fine - 0.5), 0, 1)


def _draw_line(image: np.ndarray, rng: RandomState) -> None:
    """A bent line, one to three pixels wide, drawn into ``image``."""
    height, width = image.shape[:2]
    start = rng.uniform(-0.1, 1.1, size=2) * (width, height)
    bends = rng.normal(0, 0.25 * min(height, width), size=(2, 2))
    points = np.cumsum(np.vstack([start, bends]), axis=0)
    points = np.round(points * 2**SUBPIXEL).astype(np.int32)
    thickness = int(rng.randint(1, max(3, min(height, width) // 50)))
    color = _any_color(rng) * rng.uniform(0.5, 1)
    cv2.polylines(image, [points], False, color.tolist(), thickness, cv2.LINE_AA, SUBPIXEL)


def _draw_fragment(image: np.ndarray, rng: RandomState) -> None:
    """A corner broken off a shape, with a texture of the data set, drawn into ``image``."""
    height, width = image.shape[:2]
    size = min(height, width)
    contour = outline(list(SHAPES)[rng.randint(len(SHAPES))], rng)[0]
    first, count = rng.randint(len(contour)), max(3, len(contour) // 3)
    piece = np.take(contour, np.arange(first, first + count), axis=0, mode='wrap')
    centre = rng.uniform(0, 1, size=2) * (width, height)
    area = (size * rng.uniform(0.05, 0.13)) ** 2
    piece = transform([piece], area, rng.uniform(0, 2 * np.pi), rng.uniform(0.5, 2), centre)[0]
    low = np.clip(np.floor(piece.min(axis=0)).astype(int) - 1, 0, (width, height))
    high = np.clip(np.ceil(piece.max(axis=0)).astype(int) + 2, 0, (width, height))
    if np.any(high <= low):
        return
    cols, rows = high - low
    cover = np.zeros((rows, cols), np.uint8)
    corners = np.round((piece - low) * 2**SUBPIXEL).astype(np.int32)
    cv2.fillPoly(cover, [corners], 255, cv2.LINE_AA, SUBPIXEL)
    y, x = np.mgrid[:rows, :cols]
    texture = list(TEXTURES)[rng.randint(len(TEXTURES))]
    color = list(COLORS)[rng.randint(len(COLORS))]
    grid = np.stack([x, y], axis=-1).astype(np.float64)
    surface = draw_surface(texture, color, grid, size * rng.uniform(0.05, 0.09), rng)
    alpha = cover[..., None] / 255 * rng.uniform(0.6, 1)
    part = image[low[1] : high[1], low[0] : high[0]]
    part += alpha * (surface - part)
