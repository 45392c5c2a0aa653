"""Joins the logits of all stages into one map per instance, at inference.

Shape letters: ``N`` RoIs, ``S`` side of a stage.
"""

from collections.abc import Sequence

import torch
from torch import Tensor

from mmfewshot_seg.models.refinemask.boundary_region import (
    boundary_region,
    enlarge,
    enlarge_mask,
    is_inside,
)

MERGE_WIDTH = 1


def merge_stages(stage_logits: Sequence[Tensor], start_stage: int = 1) -> Tensor:
    """Take each finer stage near the contour of the result so far, the result elsewhere.

    Args:
        stage_logits: (N, 1, S, S) of every stage, coarse to fine.
        start_stage: The stage to begin with; coarser ones are not used.

    Returns:
        (N, 1, S, S) float32 logits at the size of the last stage.

    Source: equation 5 of RefineMask (Zhang et al., CVPR 2021), on logits as the official code.
    """
    merged, *finer_stages = (logits.float().squeeze(1) for logits in stage_logits[start_stage:])
    for finer in finer_stages:
        size = finer.shape[-1]
        unchanged = enlarge_mask(~boundary_region(is_inside(merged), MERGE_WIDTH), size)
        merged = torch.where(unchanged, enlarge(merged, size), finer)
    return merged.unsqueeze(1)
