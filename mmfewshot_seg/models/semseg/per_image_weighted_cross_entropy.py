"""Cross-entropy that weights classes by how rare they are in each image.

Shape letters: ``B`` images, ``K`` classes, ``H W`` size.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mmfewshot_seg.models.semseg.class_labels import check_labels
from mmfewshot_seg.registry import MODELS, register


def class_weights(
    labels: Tensor,
    num_classes: int,
    bound: float = 1.0,
    batch_weighting: bool = False,
    ignore_index: int = 255,
) -> Tensor:
    """Weights of the classes of each image: ``1 + bound * (1 - f)``, of share ``f`` of its pixels.

    Ignored pixels do not count; a class that is absent has weight 1.

    Args:
        labels: (B, H, W) class indices.
        num_classes: K.
        bound: Largest addition to a weight.
        batch_weighting: Whether the shares are those in the whole batch.
        ignore_index: Label of ignored pixels.

    Returns:
        (B, K), float32.

    Raises:
        ValueError: If a label is neither a class nor ignored.
    """
    batch = len(labels)
    valid = labels != ignore_index
    check_labels(labels, num_classes, ignore_index)
    places = torch.where(valid, labels, num_classes)  # ignored pixels in a place of their own
    places = places + (num_classes + 1) * torch.arange(batch, device=labels.device).view(-1, 1, 1)
    counts = torch.bincount(places.flatten(), minlength=batch * (num_classes + 1))
    counts = counts.view(batch, -1)[:, :num_classes].float()
    if batch_weighting:
        counts = counts.sum(0, keepdim=True).expand(batch, -1)
    shares = counts / counts.sum(1, keepdim=True).clamp(min=1)
    return 1 + (shares > 0) * bound * (1 - shares)


def image_weighted_cross_entropy(
    logits: Tensor,
    labels: Tensor,
    bound: float = 1.0,
    batch_weighting: bool = False,
    weight: Tensor | None = None,
    ignore_index: int = 255,
) -> Tensor:
    """Sum over the images of their mean cross-entropy, weighted as :func:`class_weights` says.

    Args:
        logits: (B, K, H, W).
        labels: (B, H, W) class indices.
        bound: See :func:`class_weights`.
        batch_weighting: See :func:`class_weights`.
        weight: (B, H, W) further factors of the pixels' losses.
        ignore_index: Label of ignored pixels.

    Returns:
        A scalar in float32; an image that is ignored altogether adds 0.

    Raises:
        ValueError: See :func:`class_weights`.
    """
    with torch.autocast(logits.device.type, enabled=False):
        weights = class_weights(labels, logits.shape[1], bound, batch_weighting, ignore_index)
        valid = labels != ignore_index
        known = labels.masked_fill(~valid, 0)
        pixel_weights = weights.gather(1, known.flatten(1)).view_as(labels) * valid
        losses = F.cross_entropy(
            logits.float(), labels, ignore_index=ignore_index, reduction='none'
        )
        total = pixel_weights.flatten(1).sum(1)
        if weight is not None:
            losses = losses * weight
        losses = (losses * pixel_weights).flatten(1).sum(1)
        return (losses / total.clamp(min=1)).sum()


@register(MODELS, host='mmseg')
class PerImageWeightedCrossEntropy(nn.Module):
    """:func:`image_weighted_cross_entropy` for any decode head.

    It is a sum over the images of the batch: with more images a step the gradient grows, other
    than that of MMSegmentation's ``CrossEntropyLoss``.

    Args:
        bound: Largest addition to the weight of a class.
        batch_weighting: Whether classes are weighted by their share in the batch.
        loss_weight: Factor.
        loss_name: Its name in the log; with ``loss_`` in it, it is trained.

    Source: training of Gated-SCNN (Takikawa et al., ICCV 2019), and of Zhu et al., CVPR 2019.
    """

    def __init__(
        self,
        bound: float = 1.0,
        batch_weighting: bool = False,
        loss_weight: float = 1.0,
        loss_name: str = 'loss_ce',
    ) -> None:
        super().__init__()
        self.bound = bound
        self.batch_weighting = batch_weighting
        self.loss_weight = loss_weight
        self.loss_name = loss_name

    def forward(
        self, pred: Tensor, target: Tensor, weight: Tensor | None = None, ignore_index: int = 255
    ) -> Tensor:
        """A scalar; arguments as of :func:`image_weighted_cross_entropy`."""
        return self.loss_weight * image_weighted_cross_entropy(
            pred, target, self.bound, self.batch_weighting, weight, ignore_index
        )
