"""Edges between the classes of a label map: what an edge stream learns.

Shape letters: ``H W`` size.
"""

from math import isqrt

import torch
import torch.nn.functional as F
from torch import Tensor

EXCLUDED, NEUTRAL = -1, 0


def shape_edges(
    labels: Tensor,
    radius: int = 2,
    ignore_index: int = 255,
    frame: bool = False,
    class_zero: bool = True,
    ignored_rim: bool = False,
) -> Tensor:
    """Pixels with another class at most ``radius`` away, on both sides of a boundary.

    The official edges of Gated-SCNN are those with ``frame=True, class_zero=False,
    ignored_rim=True``: of nothing and of class 0 there is no edge by itself, and what is ignored or
    outside the image is no class but something other than one.

    Args:
        labels: (..., H, W) class indices, of any integer dtype.
        radius: Euclidean distance in pixels.
        ignore_index: Label of ignored pixels.
        frame: Whether the end of the image is a boundary.
        class_zero: Whether class 0 has boundaries with the frame and ignored pixels, as others do.
        ignored_rim: Whether the end of an ignored region is a boundary; if not, the edge of
            ignored pixels is unknown.

    Returns:
        (..., H, W) uint8: 1 at edges, 0 elsewhere, 255 where unknown.

    Raises:
        ValueError: If the radius is less than 1, or ``labels`` holds no integers.

    Examples:
        >>> shape_edges(torch.tensor([[3, 3, 3, 1, 1, 1]]), radius=1).tolist()
        [[0, 0, 1, 1, 0, 0]]
    """
    if radius < 1:
        raise ValueError(f'radius={radius} of edges, expected at least 1')
    if labels.is_floating_point():
        raise ValueError(f'edges are those of integer labels, not of {labels.dtype}')
    # Codes: classes count from 1, so that int16 holds them; two that differ make an edge.
    codes = labels.to(torch.int16) + 1
    codes = codes.masked_fill(labels == ignore_index, NEUTRAL if ignored_rim else EXCLUDED)
    if not class_zero:
        codes = codes.masked_fill(labels == 0, NEUTRAL)
    padded = F.pad(codes, (radius,) * 4, value=NEUTRAL if frame else EXCLUDED)
    height, width = labels.shape[-2:]
    edges = torch.zeros_like(codes, dtype=torch.bool)
    for dy in range(-radius, radius + 1):
        reach = isqrt(radius**2 - dy**2)
        for dx in range(-reach, reach + 1):
            top, left = radius + dy, radius + dx
            near = padded[..., top : top + height, left : left + width]
            edges |= (near != codes) & (near != EXCLUDED)
    return edges.to(torch.uint8).masked_fill(codes == EXCLUDED, 255)
