"""Superpixel-guided clustering: several prototypes of one support.

Shape letters: ``M`` supports, ``C`` channels, ``h w`` feature size, ``S`` superpixels.
"""

import torch
from torch import Tensor


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
    grid = _grid(features)
    norms = torch.linalg.vector_norm(positions, dim=1, keepdim=True).square_()
    for iteration in range(iterations):
        distances = _squared_distances(centres, positions, norms)
        if iteration == 0:  # a centre is its seed's own feature: rounding would dominate here
            distances.scatter_(2, places.unsqueeze(-1), 0)
        distances += _coordinate_distances(coordinates, grid) / spatial_weight**2
        logits = distances.clamp_min_(0).sqrt_().neg_()
        weights = logits.masked_fill_(outside, torch.finfo(logits.dtype).min).softmax(-1)
        centres, coordinates = weights @ positions.transpose(1, 2), weights @ grid
    nearest = logits.masked_fill_(seeds[..., :1] < 0, -torch.inf).argmax(1)
    return centres, nearest.view(masks.shape)


def _grid(features: Tensor) -> Tensor:
    """(h * w, 2) rows and columns of the positions."""
    rows, columns = (torch.arange(side, device=features.device) for side in features.shape[-2:])
    return torch.cartesian_prod(rows, columns).to(features.dtype)


def _squared_distances(centres: Tensor, positions: Tensor, norms: Tensor) -> Tensor:
    """(M, S, h * w) squared distances in features, by one matrix product."""
    own = centres.square().sum(-1, keepdim=True)
    return torch.baddbmm(norms + own, centres, positions, alpha=-2)


def _coordinate_distances(coordinates: Tensor, grid: Tensor) -> Tensor:
    """(M, S, h * w) squared distances in pixels."""
    rows, columns = (coordinates.unsqueeze(2) - grid).unbind(-1)
    return rows.square() + columns.square()
