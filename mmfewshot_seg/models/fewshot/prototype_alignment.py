"""Prototype alignment: the supports are segmented with prototypes of the query.

Shape letters: ``B`` episodes, ``N`` ways, ``K`` shots, ``Q`` queries, ``C`` channels, ``h w``
feature size, ``H W`` support image size.
"""

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor

from mmfewshot_seg.models.fewshot.masked_pooling import masked_average


def predicted_query_weights(scores: Tensor) -> Tensor:
    """One-hot masks of the predicted class at feature resolution (the paper and its code).

    Args:
        scores: (B, Q, 1+N, h, w) scores of the queries, background first.

    Returns:
        (B, 1+N, Q, h, w) float, without gradient.
    """
    labels = scores.detach().argmax(2)
    return F.one_hot(labels, scores.shape[2]).permute(0, 4, 1, 2, 3).to(scores.dtype)


def aligned_support_scores(
    query_features: Tensor,
    query_weights: Tensor,
    support_features: Tensor,
    score: Callable[[Tensor, Tensor], Tensor],
) -> Tensor:
    """Score each support between the query's background and its own way's query prototype.

    Args:
        query_features: (B, Q, C, h, w).
        query_weights: (B, 1+N, Q, h, w), which positions of the queries belong to each class;
            all queries are pooled together.
        support_features: (B, N, K, C, h', w').
        score: Maps features (L, M, C, h, w) and prototypes (L, P, C) to (L, M, P, h, w).

    Returns:
        (B, N, K, 2, h', w') scores, background first.

    Source: PANet (Wang et al., ICCV 2019), section 3.4.
    """
    prototypes = masked_average(query_features, query_weights)
    background = prototypes[:, :1].expand_as(prototypes[:, 1:])
    pairs = torch.stack([background, prototypes[:, 1:]], dim=2)
    scores = score(support_features.flatten(0, 1), pairs.flatten(0, 1))
    return scores.unflatten(0, support_features.shape[:2])


def alignment_loss(
    support_logits: Tensor, support_masks: Tensor, present: Tensor | None = None
) -> Tensor:
    """Cross-entropy of the aligned supports.

    With ``present``, as in the official code: the mean of each image's own mean; ways that are
    not present contribute nothing but still count. Without, as in the residual variant: the mean
    over all labelled pixels.

    Args:
        support_logits: (B, N, K, 2, H, W).
        support_masks: (B, N, K, H, W) int64, episode labels: way ``n`` is foreground in the
            supports of way ``n``, 0 is background, any other value is ignored.
        present: (B, N) bool, ways that have a query prototype.

    Returns:
        Scalar.
    """
    ways = torch.arange(1, support_masks.shape[1] + 1, device=support_masks.device)
    foreground = support_masks == ways.view(1, -1, 1, 1, 1)
    targets = foreground.long().masked_fill(~foreground & (support_masks != 0), 255)
    loss = F.cross_entropy(
        support_logits.flatten(0, 2), targets.flatten(0, 2), ignore_index=255, reduction='none'
    ).view_as(targets)
    labelled = (targets != 255).sum(dim=(-1, -2))
    if present is None:
        return loss.sum() / labelled.sum().clamp_min(1)
    return (loss.sum(dim=(-1, -2)) / labelled.clamp_min(1) * present[..., None]).mean()
