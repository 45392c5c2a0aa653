"""Colours and surface patterns of the drawn objects.

A pattern is a float array (H, W) in [0, 1] that mixes a main colour (0) with a second one (1).
Coordinates are pixels over the period of the pattern, in the turned frame of the object; edges
inside a pattern are soft over about one pixel, so that nothing aliases.
"""

import colorsys
from collections.abc import Callable

import cv2
import numpy as np
from numpy.random import RandomState

# Hue in degrees, and the range it may move either way.
COLORS: dict[str, tuple[float, float]] = {
    'red': (0, 9),
    'yellow': (48, 7),
    'green': (125, 14),
    'cyan': (184, 9),
    'blue': (224, 10),
    'magenta': (302, 12),
}


def draw_color(color: str, rng: RandomState) -> np.ndarray:
    """One shade of a colour family, (3,) BGR in [0, 1]."""
    hue, spread = COLORS[color]
    hue = (hue + rng.uniform(-spread, spread)) % 360 / 360
    rgb = colorsys.hsv_to_rgb(hue, rng.uniform(0.70, 0.95), rng.uniform(0.75, 0.95))
    return np.array(rgb[::-1])


def draw_surface(
    texture: str, color: str, grid: np.ndarray, period: float, rng: RandomState
) -> np.ndarray:
    """Surface of one object.

    Args:
        texture: A key of `TEXTURES`.
        color: A key of `COLORS`.
        grid: (H, W, 2) x and y in pixels, turned with the object, zero at its centre.
        period: Length of one repeat of the pattern, in pixels.
        rng: Source of shade, second colour and phase.

    Returns:
        (H, W, 3) BGR in [0, 1].
    """
    main = draw_color(color, rng)
    pattern, extreme = TEXTURES[texture]
    second = main + (extreme - main) * rng.uniform(0.7, 0.9)
    phase = rng.uniform(0, 1, size=2)
    mix = pattern(grid / period + phase, period, rng)[..., None]
    return main * (1 - mix) + second * mix


def clouds(height: int, width: int, cell: float, rng: RandomState) -> np.ndarray:
    """Smooth noise (height, width) in [0, 1] whose spots are about ``cell`` pixels wide."""
    rows, cols = int(height / cell) + 3, int(width / cell) + 3
    coarse = rng.uniform(0, 1, size=(rows, cols)).astype(np.float32)
    fine = cv2.resize(coarse, None, fx=cell, fy=cell, interpolation=cv2.INTER_CUBIC)
    top, left = int(cell), int(cell)
    return np.clip(fine[top : top + height, left : left + width], 0, 1)


def _step(distance: np.ndarray, period: float) -> np.ndarray:
    """Soft step at 0 of a distance given in periods, one pixel wide."""
    return np.clip(0.5 + distance * period, 0, 1)


def _wave(position: np.ndarray) -> np.ndarray:
    """Signed distance, in periods, to the nearest edge of bands half a period wide."""
    return 0.25 - np.abs((position % 1) - 0.5)


def _plain(grid: np.ndarray, period: float, rng: RandomState) -> np.ndarray:
    return np.zeros(grid.shape[:2])


def _striped(grid: np.ndarray, period: float, rng: RandomState) -> np.ndarray:
    return _step(_wave(grid[..., 0]), period)


def _checked(grid: np.ndarray, period: float, rng: RandomState) -> np.ndarray:
    across, down = (
        _step(_wave(grid[..., 0] / 1.5), period),
        _step(_wave(grid[..., 1] / 1.5), period),
    )
    return across * (1 - down) + down * (1 - across)


def _dotted(grid: np.ndarray, period: float, rng: RandomState) -> np.ndarray:
    column = np.floor(grid[..., 0])
    x, y = grid[..., 0] % 1 - 0.5, (grid[..., 1] + 0.5 * column) % 1 - 0.5
    return _step(0.30 - np.hypot(x, y), period)


def _faded(grid: np.ndarray, period: float, rng: RandomState) -> np.ndarray:
    along = grid[..., 0]
    return 0.7 * (along - along.min()) / max(np.ptp(along), 1e-6)


def _marbled(grid: np.ndarray, period: float, rng: RandomState) -> np.ndarray:
    height, width = grid.shape[:2]
    return _step(1.2 * (clouds(height, width, max(0.45 * period, 2.0), rng) - 0.5), period)


Pattern = Callable[[np.ndarray, float, RandomState], np.ndarray]
# The pattern, and what its second colour tends to: 0 black, 1 white.
TEXTURES: dict[str, tuple[Pattern, float]] = {
    'plain': (_plain, 0),
    'striped': (_striped, 1),
    'checked': (_checked, 0),
    'dotted': (_dotted, 1),
    'faded': (_faded, 1),
    'marbled': (_marbled, 0),
}
