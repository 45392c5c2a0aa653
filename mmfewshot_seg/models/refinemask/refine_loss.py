"""Losses of the stages: the whole mask at first, then only near its contour.

Shape letters: ``N`` RoIs, ``S`` side of a stage, ``B`` images, ``H W`` size of the semantic map.
"""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mmfewshot_seg.models.refinemask.boundary_region import (
    boundary_region,
    enlarge,
    enlarge_mask,
    is_inside,
)
from mmfewshot_seg.models.refinemask.stage_merge import MERGE_WIDTH
from mmfewshot_seg.registry import MODELS, register


def stage_losses(
    stage_logits: Sequence[Tensor],
    stage_targets: Sequence[Tensor],
    boundary_width: int = 2,
    start_stage: int = 1,
) -> list[Tensor]:
    """Binary cross-entropy of every stage, unweighted, in float32.

    Up to ``start_stage`` it is the mean over all pixels. After it, only pixels count that are near
    the contour of the previous stage's target or of the mask predicted so far (see
    :func:`refined_mask`); the sum is divided by the number of these pixels in all RoIs together.
    Which pixels count is a matter of thresholds, so no gradient flows through it.

    Args:
        stage_logits: (N, 1, S, S) of every stage, coarse to fine.
        stage_targets: (N, S, S) of every stage, 0 or 1, float.
        boundary_width: Width of the region, in pixels of the previous stage.
        start_stage: The last stage that is trained on all pixels.

    Returns:
        A scalar per stage; 0 on the graph of the logits where there are no RoIs.

    Source: section 3.3 of RefineMask (Zhang et al., CVPR 2021).
    """
    losses = []
    with torch.autocast(stage_logits[0].device.type, enabled=False):
        stage_logits = [logits.float().squeeze(1) for logits in stage_logits]
        mask = is_inside(stage_logits[0].detach())
        for stage, (logits, target) in enumerate(zip(stage_logits, stage_targets, strict=True)):
            pixel_losses = F.binary_cross_entropy_with_logits(logits, target, reduction='none')
            if stage <= start_stage:
                losses.append(pixel_losses.sum() / max(pixel_losses.numel(), 1))
                mask = is_inside(logits.detach())
                continue
            previous = stage - 1
            region = boundary_region(mask, boundary_width)
            region |= boundary_region(stage_targets[previous] >= 0.5, boundary_width)
            region = enlarge_mask(region, logits.shape[-1])
            losses.append((pixel_losses * region).sum() / region.sum().clamp(min=1))
            mask = refined_mask(mask, stage_logits[previous].detach(), logits.detach())
    return losses


def refined_mask(mask: Tensor, coarse_logits: Tensor, logits: Tensor) -> Tensor:
    """The mask predicted so far, refined by one stage.

    Args:
        mask: (N, s, s) bool, up to the previous stage.
        coarse_logits: (N, s, s) of the previous stage.
        logits: (N, S, S) of this stage, which count near the contour of the mask.

    Returns:
        (N, S, S) bool.
    """
    size = logits.shape[-1]
    refined = enlarge_mask(boundary_region(mask, MERGE_WIDTH), size)
    return is_inside(torch.where(refined, logits, enlarge(coarse_logits, size)))


def semantic_loss(semantic_logits: Tensor, semantic_target: Tensor) -> Tensor:
    """Mean binary cross-entropy of the map of all objects, in float32.

    Args:
        semantic_logits: (B, 1, H, W).
        semantic_target: (B, H, W), 0 or 1, float.
    """
    with torch.autocast(semantic_logits.device.type, enabled=False):
        return F.binary_cross_entropy_with_logits(
            semantic_logits.float().squeeze(1), semantic_target
        )


@register(MODELS, host='mmdet')
class BARCrossEntropyLoss(nn.Module):
    """Loss of the stages alone, for heads without a semantic map.

    Args:
        stage_instance_loss_weight: One weight per stage.
        boundary_width: See :func:`stage_losses`.
        start_stage: See :func:`stage_losses`.

    Raises:
        ValueError: If the width is less than 1, or the start is not a stage.
    """

    def __init__(
        self,
        stage_instance_loss_weight: Sequence[float] = (0.5, 0.75, 0.75, 1.0),
        boundary_width: int = 2,
        start_stage: int = 1,
    ) -> None:
        super().__init__()
        if boundary_width < 1:
            raise ValueError(f'boundary_width={boundary_width}, expected at least 1')
        if not 0 <= start_stage < len(stage_instance_loss_weight):
            raise ValueError(
                f'start_stage={start_stage}, expected 0 to {len(stage_instance_loss_weight) - 1}'
            )
        self.stage_instance_loss_weight = tuple(stage_instance_loss_weight)
        self.boundary_width = boundary_width
        self.start_stage = start_stage

    def forward(
        self, stage_logits: Sequence[Tensor], stage_targets: Sequence[Tensor]
    ) -> dict[str, Tensor]:
        """``loss_instance``; arguments as of :func:`stage_losses`."""
        losses = stage_losses(stage_logits, stage_targets, self.boundary_width, self.start_stage)
        weighted = zip(self.stage_instance_loss_weight, losses, strict=True)
        return dict(loss_instance=sum(weight * loss for weight, loss in weighted))


@register(MODELS, host='mmdet')
class RefineCrossEntropyLoss(BARCrossEntropyLoss):
    """Loss of the stages and of the semantic map.

    Args:
        stage_instance_loss_weight: One weight per stage.
        semantic_loss_weight: Weight of the semantic map.
        boundary_width: See :func:`stage_losses`.
        start_stage: See :func:`stage_losses`.
    """

    def __init__(
        self,
        stage_instance_loss_weight: Sequence[float] = (0.25, 0.5, 0.75, 1.0),
        semantic_loss_weight: float = 1.0,
        boundary_width: int = 2,
        start_stage: int = 1,
    ) -> None:
        super().__init__(stage_instance_loss_weight, boundary_width, start_stage)
        self.semantic_loss_weight = semantic_loss_weight

    def forward(
        self,
        stage_logits: Sequence[Tensor],
        stage_targets: Sequence[Tensor],
        semantic_logits: Tensor,
        semantic_target: Tensor,
    ) -> dict[str, Tensor]:
        """``loss_instance`` and ``loss_semantic``.

        Arguments as of :func:`stage_losses` and :func:`semantic_loss`.
        """
        losses = super().forward(stage_logits, stage_targets)
        loss = semantic_loss(semantic_logits, semantic_target)
        return dict(losses, loss_semantic=self.semantic_loss_weight * loss)
