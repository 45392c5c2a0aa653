"""Similarity of every position to every prototype, without a tensor per prototype.

Shape letters: ``L`` groups that share their prototypes, ``M`` images of a group, ``P``
prototypes, ``C`` channels, ``h w`` feature size.
"""

import torch
import torch.nn.functional as F
from torch import Tensor


def cosine_scores(features: Tensor, prototypes: Tensor, eps: float = 1e-8) -> Tensor:
    """Cosine similarity; 0 against a zero prototype or at a zero feature.

    Args:
        features: (L, M, C, h, w).
        prototypes: (L, P, C).
        eps: Lower bound of either norm, as in ``F.cosine_similarity``.

    Returns:
        (L, M, P, h, w), in [-1, 1].
    """
    products = _inner_products(features, F.normalize(prototypes, dim=-1, eps=eps))
    return products / squared_norms(features, dim=2).clamp_min(eps**2).sqrt()


def negative_squared_distances(features: Tensor, prototypes: Tensor) -> Tensor:
    """Minus the squared Euclidean distance (Prototypical Networks, Snell et al., 2017).

    Args:
        features: (L, M, C, h, w).
        prototypes: (L, P, C).

    Returns:
        (L, M, P, h, w), at most 0 up to rounding.
    """
    products = _inner_products(features, prototypes)
    norms = prototypes.square().sum(-1)[:, None, :, None, None]
    return 2 * products - squared_norms(features, dim=2) - norms


def squared_norms(features: Tensor, dim: int) -> Tensor:
    """Sum of squares over ``dim``, which is kept.

    Taken in slices: several times faster over channels than a norm, and no second feature map.
    """
    return sum(part.square().sum(dim, keepdim=True) for part in features.split(16, dim))


def _inner_products(features: Tensor, prototypes: Tensor) -> Tensor:
    """(L, M, P, h, w) inner products."""
    products = torch.matmul(prototypes.unsqueeze(1), features.flatten(-2))
    return products.unflatten(-1, features.shape[-2:])


SCORE_FUNCTIONS = {'cosine': cosine_scores, 'sqeuclidean': negative_squared_distances}
