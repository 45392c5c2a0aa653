"""Every position of a query against every position of the supports, in one stream.

Shape letters: ``L`` groups that share their supports, ``M`` images of a group, ``S`` positions of
all supports together, ``P`` classes, ``C`` channels, ``h w`` feature size.
"""

import torch
from torch import Tensor

from mmfewshot_seg.compat import is_recorded

# Positions of supports that are compared at once: bounds the memory, changes no result. So few that
# what was multiplied is still in a core's cache when its exponentials are taken.
CHUNK = 512


def matching_scores(
    query: Tensor,
    support: Tensor,
    weights: Tensor,
    temperature: float,
    area_power: float = 0.5,
) -> Tensor:
    """How well the supports' positions of each class explain a position of a query.

    ``logsumexp_s(q.s / temperature + log weights(s)) - area_power * log(sum_s weights(s))``: the
    first term is the aggregation of masks by attention, of which large classes have more; the
    second takes part of this advantage away.

    Args:
        query: (L, M, C, h, w) float32 of length 1.
        support: (L, S, C) of length 1 or less, any float dtype.
        weights: (L, P, S) float32, how far a position belongs to a class, not negative.
        temperature: Temperature of the attention, at least 0.025.
        area_power: 0: the sum over a class; 1: its mean.

    Returns:
        (L, M, P, h, w) float32. A class without any position has a score below all others.

    Source: mask aggregation of DCAMA (Shi et al., ECCV 2022), without its learned projections.
    """
    positions = query.flatten(-2).transpose(-1, -2).flatten(1, 2)
    sums = 0
    # Inner products lie between -1 and 1, so this shift keeps every exponential in range.
    shift = positions.new_full((), -1 / temperature)
    parts = [(support, weights)]
    if not is_recorded():  # a graph would keep the number of chunks
        parts = list(zip(support.split(CHUNK, 1), weights.split(CHUNK, 2), strict=True))
    for part, share in parts:
        part = part.to(query.dtype).transpose(1, 2)
        attention = torch.baddbmm(shift, positions, part, alpha=1 / temperature).exp_()
        sums = sums + attention @ share.transpose(1, 2)
    tiny = torch.finfo(query.dtype).tiny
    scores = sums.clamp_min(tiny).log() + 1 / temperature
    areas = weights.sum(-1)
    areas = torch.where(areas > 0, areas, 1)
    scores = scores - area_power * areas.log().unsqueeze(1)
    return (
        scores.transpose(1, 2)
        .unflatten(2, (query.shape[1], *query.shape[-2:]))
        .transpose(1, 2)
        .contiguous()
    )
