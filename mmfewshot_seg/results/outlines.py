"""Outlines of masks along the edges of their pixels: drawn again they give the same mask.

Pixel (0, 0) reaches from 0 to 1. OpenCV's contours run through the middles of pixels instead, and
lose half of those that they touch.
"""

import cv2
import numpy as np

# Directions as one walks with the mask on the right hand; the next one is a turn to the right.
_EAST, _SOUTH, _WEST, _NORTH = range(4)


def outlines(mask: np.ndarray) -> list[np.ndarray]:
    """Rings around a mask and around its holes, through the corners of pixels.

    Pixels that touch at a corner belong together, holes that do are two. Inside is what an odd
    number of rings surrounds.

    Args:
        mask: (H, W) bool.

    Returns:
        (N, 2) int32 corners (x, y) of each ring, where it turns; outer rings run clockwise, as one
        sees them, and holes the other way.
    """
    runs = _runs(mask)
    rings = []
    while runs:
        first = at = next(iter(runs))
        ring = []
        while at in runs:
            *corner, direction = at
            ring.append(corner)
            end = runs.pop(at)
            left, right = (*end, (direction - 1) % 4), (*end, (direction + 1) % 4)
            at = left if left in runs or left == first else right  # left where two pixels touch
        rings.append(np.array(ring, np.int32))
    return rings


def simplified(ring: np.ndarray, tolerance: float) -> np.ndarray:
    """A ring with fewer corners.

    Args:
        ring: (N, 2) corners.
        tolerance: Pixels by which it may leave the outline, by the algorithm of Douglas and
            Peucker; a ring of which half would be lost stays as it is.
    """
    if not tolerance:
        return ring
    fewer = cv2.approxPolyDP(ring, tolerance, closed=True)[:, 0]
    return fewer if 2 * cv2.contourArea(fewer) > cv2.contourArea(ring) else ring


def without_holes(outer: np.ndarray, holes: list[np.ndarray]) -> np.ndarray:
    """One ring in place of an outer one and of holes: cuts, there and back, lead to each hole.

    Args:
        outer: (N, 2) corners.
        holes: Corners of each hole.

    Returns:
        (M, 2) corners; inside is what it surrounds an odd number of times.
    """
    for hole in holes:
        near = int(np.abs(outer - hole[0]).sum(1).argmin())
        outer = np.concatenate([outer[: near + 1], hole, hole[:1], outer[near:]])
    return outer


def _runs(mask: np.ndarray) -> dict[tuple[int, int, int], tuple[int, int]]:
    """Straight pieces of the outlines: (x, y, direction) where one begins, (x, y) where it ends."""
    inside = np.pad(mask, 1).astype(bool)
    above_left, above_right = inside[:-1, :-1], inside[:-1, 1:]
    below_left, below_right = inside[1:, :-1], inside[1:, 1:]
    edges = {  # at a corner of pixels, of the edge that comes from there and of that which leaves
        _EAST: (below_left & ~above_left, below_right & ~above_right),
        _SOUTH: (above_left & ~above_right, below_left & ~below_right),
        _WEST: (above_right & ~below_right, above_left & ~below_left),
        _NORTH: (below_right & ~below_left, above_right & ~above_left),
    }
    runs = {}
    for direction, (coming, leaving) in edges.items():
        if direction in (_EAST, _WEST):  # row by row: the n-th begin and the n-th end are of a run
            begins, ends = (
                np.argwhere(here)[:, ::-1] for here in (leaving & ~coming, coming & ~leaving)
            )
        else:  # column by column
            begins, ends = (np.argwhere(here.T) for here in (leaving & ~coming, coming & ~leaving))
        for (x, y), end in zip(begins.tolist(), ends.tolist(), strict=True):
            runs[x, y, direction] = tuple(end)
    return runs
