"""Guided prototype allocation: which prototype speaks for which position of a query.

Shape letters: ``M`` queries, ``N`` ways, ``P`` prototypes of a way, ``C`` channels, ``h w``
feature size.
"""

import torch
from torch import Tensor

from mmfewshot_seg.models.fewshot.prototype_scores import cosine_scores

SIMILARITIES = ('sum', 'mean')


def allocate(
    features: Tensor, prototypes: Tensor, valid: Tensor, similarity: str = 'sum'
) -> tuple[Tensor, Tensor]:
    """Similarity to all prototypes of a way, and the most similar one.

    Args:
        features: (M, C, h, w).
        prototypes: (M, N, P, C).
        valid: (M, N, P) bool, which prototypes there are; at least one per way.
        similarity: ``'sum'`` of the cosines, as published; its scale grows with the number of
            prototypes. ``'mean'`` does not.

    Returns:
        Similarity (M, N, 1, h, w), and guide (M, N, h, w) int64, the index of the first most
        similar prototype, without gradient.

    Source: ASGNet (Li et al., CVPR 2021), section 3.3.
    """
    valid = valid[..., None, None]
    cosines = cosine_scores(features.unsqueeze(1), prototypes.flatten(1, 2), eps=1e-7)
    cosines = cosines.squeeze(1).unflatten(1, prototypes.shape[1:3])
    guide = cosines.detach().masked_fill(~valid, -torch.inf).max(2).indices
    total = cosines.mul(valid).sum(2, keepdim=True)
    return total if similarity == 'sum' else total / valid.sum(2, keepdim=True), guide
