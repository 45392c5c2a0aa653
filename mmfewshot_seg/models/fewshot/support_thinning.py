"""Fewer positions of a support, each standing for a superpixel.

Shape letters: ``B`` episodes, ``N`` ways, ``K`` shots, ``C`` channels, ``P`` classes with the
background, ``S`` positions that are kept, ``h w`` feature size.
"""

import torch
import torch.nn.functional as F
from torch import Tensor

from mmfewshot_seg.functional.superpixel_seeds import superpixel_seeds
from mmfewshot_seg.models.fewshot.superpixel_clustering import superpixel_clustering
from mmfewshot_seg.structures import SupportState

ITERATIONS = 5
# Unit features are closer to one another than those that the clustering was published for.
FEATURE_SCALE = 20.0


@torch.no_grad()
def thin_support(features: Tensor, weights: Tensor, max_positions: int) -> SupportState:
    """Replace the positions of each class in each support by means over superpixels.

    A superpixel has the weight of all its positions, so that areas stay what they were.

    Args:
        features: (B, N, K, C, h, w) float32.
        weights: (B, P, N, K, h, w), share of each class.
        max_positions: Most superpixels of a class in a support.

    Returns:
        ``features`` (B, S, C) float16 and ``weights`` (B, P, S); unused places have no weight.
    """
    classes = weights.shape[1]
    kept = [
        _thin_class(image, share, max_positions)
        for episode, shares in zip(features, weights, strict=True)
        for share_of_class in shares
        for image, share in zip(episode.flatten(0, 1), share_of_class.flatten(0, 1), strict=True)
    ]
    means = torch.stack([mean for mean, _ in kept]).half()
    areas = torch.stack([area for _, area in kept])
    means = means.unflatten(0, (len(features), -1)).flatten(1, 2)
    areas = areas.unflatten(0, (len(features), classes, -1)).flatten(2)
    own = torch.eye(classes, device=areas.device).repeat_interleave(areas.shape[-1], 1)
    return SupportState(features=means, weights=own * areas.repeat(1, 1, classes))


def _thin_class(image: Tensor, share: Tensor, max_positions: int) -> tuple[Tensor, Tensor]:
    """(max_positions, C) means of (C, h, w) features and their (max_positions,) areas."""
    positions, area = image.flatten(1).T, share.flatten()
    inside = share > 0.5
    seeds = superpixel_seeds(
        inside.cpu().numpy(), tuple(inside.shape), max_positions, area=1, seeding='clean'
    )
    count = int((seeds[:, 0] >= 0).sum())
    if count == 0:  # one position, or none that the class fills: its mean
        nearest, count = torch.zeros_like(area, dtype=torch.long), 1
    else:
        places = torch.from_numpy(seeds[:count])[None].to(image.device)
        scaled = FEATURE_SCALE * image[None]
        _, nearest = superpixel_clustering(scaled, inside[None], places, ITERATIONS)
        nearest = nearest.flatten()
    members = F.one_hot(nearest, count).T * area
    areas = members.sum(1)
    means = (members @ positions) / areas.clamp_min(1e-6).unsqueeze(1)
    missing = max_positions - count
    return F.pad(means, (0, 0, 0, missing)), F.pad(areas, (0, missing))
