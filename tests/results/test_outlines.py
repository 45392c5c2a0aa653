"""Outlines, drawn again by the rules of COCO, give the pixels that they surround."""

import numpy as np
import pytest
from pycocotools import mask as coco_mask

from mmfewshot_seg.results.outlines import outlines, simplified, without_holes


def as_mask(*rows: str) -> np.ndarray:
    return np.array([[letter == '#' for letter in row] for row in rows])


def turned(ring: np.ndarray) -> list:
    """Corners from the least one on."""
    corners = ring.tolist()
    first = corners.index(min(corners))
    return [tuple(corner) for corner in corners[first:] + corners[:first]]


def drawn(ring: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    (code,) = coco_mask.frPyObjects([ring.ravel().tolist()], *size)
    return coco_mask.decode(code) > 0


def test_a_pixel_is_a_square_from_0_to_1() -> None:
    (ring,) = outlines(as_mask('#'))
    assert turned(ring) == [(0, 0), (1, 0), (1, 1), (0, 1)]


def test_corners_are_where_the_outline_turns() -> None:
    (ring,) = outlines(as_mask('###', '#..'))
    assert turned(ring) == [(0, 0), (3, 0), (3, 1), (1, 1), (1, 2), (0, 2)]


def test_pixels_that_touch_at_a_corner_have_one_outline() -> None:
    (ring,) = outlines(as_mask('#.', '.#'))
    assert turned(ring) == [(0, 0), (1, 0), (1, 1), (2, 1), (2, 2), (1, 2), (1, 1), (0, 1)]


def test_holes_that_touch_at_a_corner_are_two() -> None:
    rings = outlines(as_mask('####', '#.##', '##.#', '####'))
    assert sorted(turned(ring) for ring in rings) == [
        [(0, 0), (4, 0), (4, 4), (0, 4)],
        [(1, 1), (1, 2), (2, 2), (2, 1)],  # against the clock
        [(2, 2), (2, 3), (3, 3), (3, 2)],
    ]


def test_of_nothing_there_is_no_outline() -> None:
    assert outlines(np.zeros((3, 4), bool)) == []


@pytest.mark.parametrize('seed', range(20))
def test_an_odd_number_of_rings_surrounds_what_is_inside(seed) -> None:
    rng = np.random.default_rng(seed)
    mask = rng.random(rng.integers(1, 16, 2)) < rng.random()
    surrounding = sum((drawn(ring, mask.shape).astype(int) for ring in outlines(mask)), 0)
    np.testing.assert_array_equal(surrounding % 2 + np.zeros(mask.shape), mask)


def test_cuts_to_holes_change_no_pixel() -> None:
    mask = as_mask('########', '#.##...#', '####.#.#', '#.#....#', '########')
    outer, *holes = sorted(outlines(mask), key=lambda ring: ring.min())
    np.testing.assert_array_equal(drawn(without_holes(outer, holes), mask.shape), mask)


def test_a_simplified_ring_stays_within_its_tolerance() -> None:
    rows, columns = np.indices((60, 60)) - 30
    mask = rows**2 + columns**2 < 25**2
    (ring,) = outlines(mask)
    few = simplified(ring, 1)
    assert len(few) < len(ring) / 2
    radii = np.linalg.norm(few - 30.5, axis=1)  # of the corners of edge pixels: 25 but for 1.5
    assert (np.abs(radii - 25) < 2.5).all()
    differing = drawn(few, mask.shape) != mask
    edge = np.abs(np.hypot(rows, columns) - 25)
    assert (edge[differing] < 2).all() and differing.mean() < 0.02
    np.testing.assert_array_equal(simplified(ring, 0), ring)


def test_what_is_thin_is_not_simplified_away() -> None:
    (ring,) = outlines(np.eye(9, dtype=bool))
    np.testing.assert_array_equal(simplified(ring, 3), ring)
