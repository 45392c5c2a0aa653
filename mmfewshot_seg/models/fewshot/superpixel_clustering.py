"""Superpixel-guided clustering: several prototypes of one support.

Shape letters: ``M`` supports, ``C`` channels, ``h w`` feature size, ``S`` superpixels.
"""

import torch
from torch import Tensor

from mmfewshot_seg.models.fewshot.prototype_scores import squared_norms


@torch.no_grad()
def superpixel_clustering(
    features: Tensor,
    masks: Tensor,
    seeds: Tensor,
    iterations: int,
    spatial_weight: float = 10.0,
) -> tuple[Tensor, Tensor]:
    """Cluster the positions inside masks, all supports at once.

    Each centre becomes the mean of features and coordinates under a softmax over positions of
    minus the distance in features and coordinates. A softmax over positions, not over centres,
    is what the published code computes.

    Args:
        features: (M, C, h, w) float32 or float64.
        masks: (M, h, w) bool, the positions to cluster. A support without any gets finite,
            meaningless centres.
        seeds: (M, S, 2) int64 rows and columns where the centres begin. The centres of
            negative seeds are meaningless.
        iterations: Number of updates, at least 1.
        spatial_weight: Pixels of a distance in coordinates that count as 1.

    Returns:
        Centres (M, S, C), and for pictures (M, h, w) int64, which centre was nearest to a position
        when they were last updated; without gradient.

    Raises:
        ValueError: If ``iterations`` is not positive.

    Source: ASGNet (Li et al., CVPR 2021), section 3.2.
    """
    if iterations < 1:
        raise ValueError(f'iterations must be at least 1, got {iterations}')
    positions = features.flatten(2)
    outside = ~masks.flatten(1).unsqueeze(1)
    places = (seeds[..., 0] * masks.shape[-1] + seeds[..., 1]).clamp_min(0)
    centres = positions.gather(2, places.unsqueeze(1).expand(-1, features.shape[1], -1))
    centres, coordinates = centres.transpose(1, 2), seeds.to(features.dtype)
    rows, columns = (
        torch.arange(side, device=features.device, dtype=features.dtype)
        for side in masks.shape[-2:]
    )
    grid = torch.cartesian_prod(rows, columns)
    norms = squared_norms(positions, dim=1)
    for iteration in range(iterations):
        norms_of_both = norms + centres.square().sum(-1, keepdim=True)
        distances = norms_of_both.baddbmm_(centres, positions, alpha=-2)
        if iteration == 0:  # a centre is its seed's own feature: rounding would dominate here
            distances.scatter_(2, places.unsqueeze(-1), 0)
        in_plane = distances.unflatten(-1, masks.shape[-2:])
        in_plane += _offsets(coordinates[..., 0], rows, spatial_weight).unsqueeze(-1)
        in_plane += _offsets(coordinates[..., 1], columns, spatial_weight).unsqueeze(-2)
        logits = distances.clamp_min_(0).sqrt_().neg_()
        weights = logits.masked_fill_(outside, torch.finfo(logits.dtype).min).softmax(-1)
        centres, coordinates = weights @ positions.transpose(1, 2), weights @ grid
    nearest = logits.masked_fill_(seeds[..., :1] < 0, -torch.inf).max(1).indices
    return centres, nearest.view(masks.shape)


def _offsets(centres: Tensor, places: Tensor, unit: float) -> Tensor:
    """(M, S, side) squared distances along one axis, of (M, S) centres to (side) places."""
    return ((centres.unsqueeze(-1) - places) / unit).square()
