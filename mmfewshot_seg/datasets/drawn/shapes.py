"""Outlines of the drawn shapes.

An outline is a list of closed contours, float64 arrays (V, 2) of x, y with y pointing down; the
first contour is the outer one, the others are holes. `outline` returns it with its bounding box
centred on the origin and area 1. Shapes vary a little from one drawing to the next.
"""

from collections.abc import Callable

import numpy as np
from numpy.random import RandomState

Outline = list[np.ndarray]


def outline(shape: str, rng: RandomState) -> Outline:
    """Outline of one drawing of ``shape``.

    Args:
        shape: A key of `SHAPES`.
        rng: Source of the variation.

    Returns:
        Contours (V, 2): bounding box centred on the origin, area 1 without the holes.
    """
    contours = SHAPES[shape](rng)
    outer = contours[0]
    centre = (outer.min(axis=0) + outer.max(axis=0)) / 2
    area = _area(outer) - sum(_area(hole) for hole in contours[1:])
    return [(contour - centre) / np.sqrt(area) for contour in contours]


def transform(
    contours: Outline, area: float, angle: float, stretch: float, centre: np.ndarray
) -> Outline:
    """Stretch along x (area kept), rotate, scale to ``area`` and move to ``centre``.

    Args:
        contours: An outline of area 1.
        area: New area, in square pixels.
        angle: Rotation in radians.
        stretch: Ratio of the new width to the new height, relative to the old one.
        centre: (2,) x, y in pixels.
    """
    cos, sin = np.cos(angle), np.sin(angle)
    matrix = np.array([[cos, -sin], [sin, cos]]) @ np.diag([stretch**0.5, stretch**-0.5])
    return [np.sqrt(area) * contour @ matrix.T + centre for contour in contours]


def _area(contour: np.ndarray) -> float:
    x, y = contour.T
    return 0.5 * abs(np.dot(x, np.roll(y, -1)) - np.dot(y, np.roll(x, -1)))


def _polar(radius: np.ndarray, turns: np.ndarray) -> np.ndarray:
    angle = 2 * np.pi * turns
    return np.stack([radius * np.cos(angle), radius * np.sin(angle)], axis=1)


def _turns(count: int) -> np.ndarray:
    return np.arange(count) / count


def _polygon(*points: tuple[float, float]) -> np.ndarray:
    return np.array(points, dtype=np.float64)


def _arrow(rng: RandomState) -> Outline:
    shaft, head = rng.uniform(0.16, 0.24), rng.uniform(0.0, 0.15)
    upper = [(-1, -shaft), (head, -shaft), (head, -0.62), (1, 0)]
    return [_polygon(*upper, *[(x, -y) for x, y in upper[-2::-1]])]


def _blob(rng: RandomState) -> Outline:
    turns = _turns(96)
    radius = np.ones(96)
    for frequency, amplitude in ((2, 0.16), (3, 0.20), (5, 0.06)):
        phase = rng.uniform()
        radius += amplitude * np.cos(2 * np.pi * (frequency * turns + phase))
    return [_polar(radius, turns)]


def _bolt(rng: RandomState) -> Outline:
    lean = rng.uniform(-0.06, 0.06)
    points = [(0.1, -1), (0.62, -1), (0.22, -0.28), (0.62, -0.28), (-0.35, 1), (-0.05, 0.08)]
    points.append((-0.48, 0.08))
    return [_polygon(*[(x + lean * y, y) for x, y in points])]


def _crescent(rng: RandomState) -> Outline:
    # A disc of radius 1 without the disc of radius `inner` around (shift, 0); `half` is the
    # angle from the x axis, at the centre of each disc, of the two points where they meet.
    inner, shift = rng.uniform(0.74, 0.82), rng.uniform(0.52, 0.60)
    x = (1 - inner**2 + shift**2) / (2 * shift)
    half = np.arccos(x) / (2 * np.pi)
    inner_half = np.arccos((x - shift) / inner) / (2 * np.pi)
    outside = _polar(np.ones(64), np.linspace(half, 1 - half, 64))
    inside = _polar(np.full(64, inner), np.linspace(1 - inner_half, inner_half, 64))
    return [np.concatenate([outside, inside[1:-1] + (shift, 0)])]


def _cross(rng: RandomState) -> Outline:
    a = rng.uniform(0.30, 0.38)
    arm = [(a, -a), (1, -a), (1, a), (a, a)]
    quarter = np.array([[0, 1], [-1, 0]])
    corners, points = np.array(arm), []
    for _ in range(4):
        points.append(corners[:3])
        corners = corners @ quarter
    return [np.concatenate(points)]


def _flower(rng: RandomState) -> Outline:
    petals, turns = rng.randint(5, 7), _turns(144)
    radius = 0.45 + 0.55 * np.abs(np.cos(np.pi * petals * turns)) ** 0.7
    return [_polar(radius, turns)]


def _gear(rng: RandomState) -> Outline:
    teeth, hole = rng.randint(8, 11), rng.uniform(0.24, 0.32)
    tooth = np.array([0.0, 0.16, 0.5, 0.66])
    turns = ((np.arange(teeth)[:, None] + tooth) / teeth).ravel()
    radius = np.tile([0.74, 1.0, 1.0, 0.74], teeth)
    return [_polar(radius, turns), _polar(np.full(48, hole), _turns(48))]


def _heart(rng: RandomState) -> Outline:
    t = 2 * np.pi * _turns(96)
    x = 16 * np.sin(t) ** 3
    y = -(13 * np.cos(t) - 5 * np.cos(2 * t) - 2 * np.cos(3 * t) - np.cos(4 * t))
    return [np.stack([x, y * rng.uniform(0.95, 1.1)], axis=1)]


def _letter_e(rng: RandomState) -> Outline:
    bar, stem = rng.uniform(0.40, 0.46), rng.uniform(0.44, 0.52)
    middle = bar / 2
    points = [(0, -1), (1.3, -1), (1.3, -1 + bar), (stem, -1 + bar), (stem, -middle)]
    points += [(1.1, -middle), (1.1, middle), (stem, middle), (stem, 1 - bar)]
    points += [(1.3, 1 - bar), (1.3, 1), (0, 1)]
    return [_polygon(*points)]


def _letter_t(rng: RandomState) -> Outline:
    bar, stem = rng.uniform(0.52, 0.62), rng.uniform(0.28, 0.34)
    left = [(-0.85, -1), (-0.85, -1 + bar), (-stem, -1 + bar), (-stem, 1)]
    return [_polygon(*left, *[(-x, y) for x, y in left[::-1]])]


def _ring(rng: RandomState) -> Outline:
    hole = rng.uniform(0.40, 0.50)
    return [_polar(np.ones(80), _turns(80)), _polar(np.full(64, hole), _turns(64))]


def _star(rng: RandomState) -> Outline:
    points, inner = rng.randint(5, 7), rng.uniform(0.42, 0.5)
    return [_polar(np.tile([1.0, inner], points), _turns(2 * points))]


SHAPES: dict[str, Callable[[RandomState], Outline]] = {
    'arrow': _arrow,
    'blob': _blob,
    'bolt': _bolt,
    'crescent': _crescent,
    'cross': _cross,
    'flower': _flower,
    'gear': _gear,
    'heart': _heart,
    'letter-e': _letter_e,
    'letter-t': _letter_t,
    'ring': _ring,
    'star': _star,
}
