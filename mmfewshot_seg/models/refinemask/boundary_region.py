"""Boundary region of a binary mask, and the resizing that goes with masks.

Shape letters: ``N`` masks, ``S`` side of a mask.
"""

import torch
import torch.nn.functional as F
from torch import Tensor

BACKGROUND_SHARE = 0.1


def boundary_region(mask: Tensor, width: int) -> Tensor:
    """Pixels near the contour: much of the window around them is on the other side.

    The window has ``k = 2 * width + 1`` pixels a side; a pixel is in the region if more than
    ``0.1 * k * k`` pixels of its window are of the other kind. Outside the mask is background,
    so a full mask has a boundary frame; an empty one has none. Width 1 is dilation minus erosion;
    greater widths are not.

    Args:
        mask: (N, S, S), bool.
        width: In pixels of the mask, at least 1.

    Returns:
        (N, S, S), bool.

    Raises:
        ValueError: If the width is less than 1.

    Examples:
        >>> boundary_region(torch.ones(1, 3, 3, dtype=torch.bool), 1)[0].int().tolist()
        [[1, 1, 1], [1, 0, 1], [1, 1, 1]]
    """
    if width < 1:
        raise ValueError(f'boundary width {width}, expected at least 1')
    side = 2 * width + 1
    # A tenth of k * k is no whole number, so no share is near enough for rounding to decide.
    inside = F.avg_pool2d(mask.float().unsqueeze(1), side, 1, width).squeeze(1)
    return torch.where(mask, 1 - inside, inside) > BACKGROUND_SHARE


def enlarge(maps: Tensor, size: int) -> Tensor:
    """Resize (N, s, s) maps to (N, size, size), bilinear, corners aligned."""
    return F.interpolate(
        maps.unsqueeze(1), (size, size), mode='bilinear', align_corners=True
    ).squeeze(1)


def enlarge_mask(mask: Tensor, size: int) -> Tensor:
    """Resize a (N, s, s) bool mask as :func:`enlarge` does; at least 0.5 counts as inside."""
    return enlarge(mask.float(), size) >= 0.5


def is_inside(logits: Tensor) -> Tensor:
    """Where the probability is at least 0.5.

    Through the sigmoid, whose rounding puts logits just below 0 inside, as the official code has
    it.
    """
    return logits.sigmoid() >= 0.5
