"""Loss of an edge map, edges and the rest balanced.

Shape letters: ``B`` images, ``H W`` size.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mmfewshot_seg.models.semseg.class_labels import check_reduction
from mmfewshot_seg.registry import MODELS, register

UNKNOWN = 255  # of edges; any value but 0 and 1


def balanced_edge_loss(
    logits: Tensor,
    edges: Tensor,
    weight: Tensor | None = None,
    by_pixel: bool = False,
) -> Tensor:
    """Binary cross-entropy where edges weigh the share of the others, and the others that of edges.

    The shares are those in the whole batch; the mean is over all pixels, ignored ones included.

    Args:
        logits: (B, 1, H, W).
        edges: (B, H, W) or (B, 1, H, W), 0 or 1; all other values are ignored.
        weight: (B, H, W) further factors of the pixels' losses.
        by_pixel: Whether the losses of the pixels are returned, before the mean.

    Returns:
        A scalar in float32; 0 if there is no edge or all pixels are ignored. By pixel (B, H, W).
    """
    with torch.autocast(logits.device.type, enabled=False):
        edges = edges.reshape_as(logits)
        positive, negative = edges == 1, edges == 0
        num_positive, num_negative = positive.sum(), negative.sum()
        known = (num_positive + num_negative).clamp(min=1)
        weights = (positive * num_negative + negative * num_positive) / known
        if weight is not None:
            weights = weights * weight.reshape_as(logits)
        losses = F.binary_cross_entropy_with_logits(
            logits.float(), positive.float(), weights, reduction='none' if by_pixel else 'mean'
        )
        return losses.squeeze(1) if by_pixel else losses


@register(MODELS, host='mmseg')
class BalancedEdgeLoss(nn.Module):
    """:func:`balanced_edge_loss` of the logits of an edge stream.

    Args:
        double_sigmoid: Whether the loss takes probabilities for logits, as the official program
            does; a perfect prediction then still has a loss, a good deal of it.
        loss_weight: Factor.
        loss_name: Its name in the log; with ``loss_`` in it, it is trained.
    """

    def __init__(
        self,
        double_sigmoid: bool = False,
        loss_weight: float = 20.0,
        loss_name: str = 'loss_edge',
    ) -> None:
        super().__init__()
        self.double_sigmoid = double_sigmoid
        self.loss_weight = loss_weight
        self.loss_name = loss_name

    def forward(
        self,
        pred: Tensor,
        target: Tensor,
        weight: Tensor | None = None,
        ignore_index: int = 255,
        reduction_override: str | None = None,
    ) -> Tensor:
        """A scalar, or (B, H, W) where ``reduction_override`` is ``'none'``.

        The other arguments are those of :func:`balanced_edge_loss`; pixels of ``ignore_index`` are
        ignored, as all that are neither 0 nor 1.
        """
        check_reduction(reduction_override)
        logits = pred.float().sigmoid() if self.double_sigmoid else pred
        target = target.masked_fill(target == ignore_index, UNKNOWN)
        return self.loss_weight * balanced_edge_loss(
            logits, target, weight, by_pixel=reduction_override == 'none'
        )
