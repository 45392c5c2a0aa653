"""Segmentation loss near predicted edges."""

from collections.abc import Sequence

import torch
from torch import Tensor

from mmfewshot_seg.models.semseg.per_image_weighted_cross_entropy import (
    PerImageWeightedCrossEntropy,
)
from mmfewshot_seg.registry import MODELS, register


@register(MODELS, host='mmseg')
class EdgeAttentionLoss(PerImageWeightedCrossEntropy):
    """:class:`PerImageWeightedCrossEntropy` of the pixels where an edge is predicted.

    Args:
        threshold: Probability of an edge that a pixel has to exceed.
        bound: Largest addition to the weight of a class.
        batch_weighting: Whether classes are weighted by their share in the batch.
        loss_weight: Factor.
        loss_name: Its name in the log; with ``loss_`` in it, it is trained.
        class_weight: See :class:`PerImageWeightedCrossEntropy`.

    Raises:
        ValueError: If the threshold is no probability.
    """

    def __init__(
        self,
        threshold: float = 0.8,
        bound: float = 1.0,
        batch_weighting: bool = False,
        loss_weight: float = 1.0,
        loss_name: str = 'loss_att',
        class_weight: Sequence[float] | str | None = None,
    ) -> None:
        super().__init__(bound, batch_weighting, loss_weight, loss_name, class_weight)
        if not 0 <= threshold <= 1:
            raise ValueError(f'threshold={threshold} of edges, expected a probability')
        self.threshold = threshold

    def forward(
        self,
        pred: Tensor,
        target: Tensor,
        edge_logits: Tensor,
        weight: Tensor | None = None,
        ignore_index: int = 255,
        reduction_override: str | None = None,
    ) -> Tensor:
        """A scalar, 0 where no edge is predicted; no gradient flows to the edge.

        Args:
            pred: (B, K, H, W) logits.
            target: (B, H, W) class indices.
            edge_logits: (B, 1, H, W).
            weight: (B, H, W) further factors of the pixels' losses.
            ignore_index: Label of ignored pixels.
            reduction_override: See :class:`PerImageWeightedCrossEntropy`.
        """
        near = edge_logits.detach().sigmoid().squeeze(1) > self.threshold
        target = torch.where(near, target, ignore_index)
        return super().forward(pred, target, weight, ignore_index, reduction_override)
