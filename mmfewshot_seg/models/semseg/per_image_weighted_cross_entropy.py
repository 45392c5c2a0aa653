"""Cross-entropy that weights classes by how rare they are in each image.

Shape letters: ``B`` images, ``K`` classes, ``H W`` size.
"""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from mmseg.models.losses.utils import get_class_weight
from torch import Tensor, nn

from mmfewshot_seg.models.semseg.class_labels import check_labels, check_reduction, class_logits
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
    class_weight: Sequence[float] | None = None,
    by_pixel: bool = False,
) -> Tensor:
    """Sum over the images of their mean cross-entropy, weighted as :func:`class_weights` says.

    Args:
        logits: (B, K, H, W); with K = 1 those of class 1, see :func:`class_logits`.
        labels: (B, H, W) class indices.
        bound: See :func:`class_weights`.
        batch_weighting: See :func:`class_weights`.
        weight: (B, H, W) further factors of the pixels' losses.
        ignore_index: Label of ignored pixels.
        class_weight: Further factor of each class; means are weighted by it as well.
        by_pixel: Whether the losses of the pixels are returned, before any mean.

    Returns:
        A scalar in float32; an image that is ignored altogether adds 0. By pixel (B, H, W).

    Raises:
        ValueError: See :func:`class_weights`; or if there is not one factor for every class.
    """
    with torch.autocast(logits.device.type, enabled=False):
        logits = class_logits(logits)
        num_classes = logits.shape[1]
        weights = class_weights(labels, num_classes, bound, batch_weighting, ignore_index)
        if class_weight is not None:
            if len(class_weight) != num_classes:
                raise ValueError(
                    f'class_weight has {len(class_weight)} factors, but there are {num_classes} '
                    'classes'
                )
            weights = weights * weights.new_tensor(class_weight)
        valid = labels != ignore_index
        known = labels.masked_fill(~valid, 0)
        pixel_weights = weights.gather(1, known.flatten(1)).view_as(labels) * valid
        losses = F.cross_entropy(
            logits.float(), labels, ignore_index=ignore_index, reduction='none'
        )
        total = pixel_weights.flatten(1).sum(1)
        if weight is not None:
            losses = losses * weight
        losses = losses * pixel_weights
        if by_pixel:
            return losses
        least = 1 if class_weight is None else torch.finfo(total.dtype).tiny  # all ignored: 0 / it
        return (losses.flatten(1).sum(1) / total.clamp(min=least)).sum()


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
        class_weight: Further factor of each class, or a file of them, as MMSegmentation's losses
            take them.

    Source: training of Gated-SCNN (Takikawa et al., ICCV 2019), and of Zhu et al., CVPR 2019.
    """

    def __init__(
        self,
        bound: float = 1.0,
        batch_weighting: bool = False,
        loss_weight: float = 1.0,
        loss_name: str = 'loss_ce',
        class_weight: Sequence[float] | str | None = None,
    ) -> None:
        super().__init__()
        self.bound = bound
        self.batch_weighting = batch_weighting
        self.loss_weight = loss_weight
        self.loss_name = loss_name
        self.class_weight = get_class_weight(class_weight)

    def forward(
        self,
        pred: Tensor,
        target: Tensor,
        weight: Tensor | None = None,
        ignore_index: int = 255,
        reduction_override: str | None = None,
    ) -> Tensor:
        """A scalar, or (B, H, W) where ``reduction_override`` is ``'none'``.

        The other arguments are those of :func:`image_weighted_cross_entropy`.
        """
        check_reduction(reduction_override)
        return self.loss_weight * image_weighted_cross_entropy(
            pred,
            target,
            self.bound,
            self.batch_weighting,
            weight,
            ignore_index,
            self.class_weight,
            by_pixel=reduction_override == 'none',
        )
