"""Masked average pooling without ever resizing a feature map.

Shape letters: ``H W`` mask size, ``h w`` feature size, ``C`` channels, ``M`` images pooled
together, ``P`` masks; ``...`` any leading dimensions.
"""

import torch
import torch.nn.functional as F
from torch import Tensor


def transposed_bilinear(mask: Tensor, size: tuple[int, int], align_corners: bool) -> Tensor:
    """Resize a mask by the transpose of the bilinear operator that enlarges ``size`` to it.

    Averaging under a mask is linear, so with the 1-D resize matrices ``A_h`` (H, h) and ``A_w``
    (W, w), ``sum(mask * A_h f A_w^T) = sum(A_h^T mask A_w * f)``: pooling features that were
    enlarged to the mask equals pooling the small features under this small mask. It is *not* a
    bilinear reduction of the mask; its entries sum to those of ``mask``.

    Args:
        mask: (..., H, W) float weights.
        size: Feature size (h, w).
        align_corners: Whether the enlargement aligns corners, as in ``F.interpolate``.

    Returns:
        (..., h, w) weights.
    """
    rows = _transposed_operator(size[0], mask.shape[-2], align_corners, mask)
    columns = _transposed_operator(size[1], mask.shape[-1], align_corners, mask)
    return rows @ mask @ columns.T


def _transposed_operator(small: int, large: int, align_corners: bool, like: Tensor) -> Tensor:
    """(small, large) transpose of the matrix that enlarges a signal of length ``small``."""
    identity = torch.eye(small, dtype=like.dtype, device=like.device)
    return F.interpolate(identity[None], large, mode='linear', align_corners=align_corners)[0]


def resized_mask(mask: Tensor, size: tuple[int, int], align_corners: bool) -> Tensor:
    """Resize a mask to the feature size, bilinear: soft weights.

    Args:
        mask: (..., H, W) float weights.
        size: Feature size (h, w).
        align_corners: Whether corners are aligned, as in ``F.interpolate``.

    Returns:
        (..., h, w) weights.
    """
    flat = mask.reshape(-1, 1, *mask.shape[-2:])
    small = F.interpolate(flat, size, mode='bilinear', align_corners=align_corners)
    return small.reshape(*mask.shape[:-2], *size)


def masked_average(features: Tensor, weights: Tensor, eps: float = 1e-5) -> Tensor:
    """Weighted mean of features over images and positions together.

    Args:
        features: (..., M, C, h, w).
        weights: (..., P, M, h, w), one set of weights per mean.
        eps: Added to the sum of the weights, so that an empty mask gives zeros.

    Returns:
        (..., P, C) prototypes.

    Examples:
        >>> masked_average(torch.ones(1, 4, 8, 8), torch.ones(2, 1, 8, 8)).shape
        torch.Size([2, 4])
    """
    weights = weights.transpose(-4, -3).flatten(-2)
    total = (weights @ features.flatten(-2).transpose(-1, -2)).sum(-3)
    return total / (weights.sum(dim=(-1, -3)) + eps).unsqueeze(-1)
