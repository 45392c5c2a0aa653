"""Several levels of an encoder as one map of unit features."""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor


def fuse_levels(features: Sequence[Tensor], in_index: int | Sequence[int]) -> Tensor:
    """Unit features of some levels, side by side.

    Every level is normalised, enlarged to the largest of them and concatenated, so that the inner
    product of two results is the mean of the cosines of their levels.

    Args:
        features: Levels, each (..., C', h', w').
        in_index: Which of them.

    Returns:
        (..., C, h, w) float32 of length 1, or 0 where all levels are 0.

    Raises:
        ValueError: If there is no such level.
    """
    indices = [in_index] if isinstance(in_index, int) else list(in_index)
    if not indices or not all(-len(features) <= i < len(features) for i in indices):
        raise ValueError(f'in_index={in_index}, but the encoder gives {len(features)} levels')
    levels = [F.normalize(features[i].float(), dim=-3) for i in indices]
    size = max((level.shape[-2:] for level in levels), key=lambda size: size[0] * size[1])
    levels = [_resize(level, size) for level in levels]
    return F.normalize(torch.cat(levels, dim=-3), dim=-3) if len(levels) > 1 else levels[0]


def _resize(level: Tensor, size: torch.Size) -> Tensor:
    if level.shape[-2:] == size:
        return level
    flat = F.interpolate(level.flatten(0, -4), size, mode='bilinear', align_corners=False)
    return flat.unflatten(0, level.shape[:-3])
