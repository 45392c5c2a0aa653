"""Agreement of the boundaries of predicted and true classes.

Shape letters: ``B`` images, ``K`` classes, ``H W`` size.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mmfewshot_seg.models.semseg.class_labels import check_labels, check_reduction, class_logits
from mmfewshot_seg.registry import MODELS, register

RADIUS = 4  # of the filter 1 2 3 4 5 4 3 2 1, over 25
EPS = 1e-6


def boundary_magnitude(maps: Tensor, spatial: bool = True) -> Tensor:
    """How strongly maps change at each position, relative to the greatest change in the batch.

    Maps are smoothed by a triangle filter, with mirrored borders; then the length of the gradient
    by central differences is taken, with zeros beyond the border.

    Args:
        maps: (B, K, H, W) in [0, 1].
        spatial: If not, smoothing and differences are left out, as in the released program of
            Gated-SCNN, and both differences are the map itself.

    Returns:
        (B, K, H, W), at most 1.
    """
    if spatial:
        smooth = _triangle_filter(maps)
        across = F.pad(smooth, (1, 1))
        down = F.pad(smooth, (0, 0, 1, 1))
        across = (across[..., 2:] - across[..., :-2]) / 2
        down = (down[..., 2:, :] - down[..., :-2, :]) / 2
        magnitude = (across.square() + down.square() + EPS).sqrt()
    else:
        magnitude = (2 * maps.square() + EPS).sqrt()
    return magnitude / magnitude.max()


def _triangle_filter(maps: Tensor) -> Tensor:
    """Smooth along both axes."""
    channels = maps.shape[1]
    # Made on the device: numbers from the host would have it wait.
    offsets = torch.arange(-RADIUS, RADIUS + 1, dtype=maps.dtype, device=maps.device)
    kernel = (RADIUS + 1 - offsets.abs()) / (RADIUS + 1) ** 2
    for axis, shape in ((-2, (1, 1, -1, 1)), (-1, (1, 1, 1, -1))):
        size = maps.shape[axis]
        index = torch.arange(-RADIUS, size + RADIUS, device=maps.device) % (2 * size)
        maps = maps.index_select(axis, torch.minimum(index, 2 * size - 1 - index))
        maps = F.conv2d(maps, kernel.view(shape).expand(channels, -1, -1, -1), groups=channels)
    return maps


def gumbel_noise(like: Tensor, eps: float = 1e-10) -> Tensor:
    """Noise that turns a softmax into a soft sample of the classes."""
    return -torch.log(eps - torch.log(torch.rand_like(like) + eps))


def dual_task_loss(
    logits: Tensor,
    labels: Tensor,
    noise: Tensor | None = None,
    spatial: bool = True,
    temperature: float = 0.5,
    threshold: float | None = None,
    ignore_index: int = 255,
    weight: Tensor | None = None,
    by_pixel: bool = False,
) -> Tensor:
    """Mean difference of the boundaries of predicted and true classes.

    The prediction is the softmax of ``(logits + noise) / temperature``. An ignored pixel counts as
    class 0, predicted by equal logits.

    Args:
        logits: (B, K, H, W); with K = 1 those of class 1, see :func:`class_logits`.
        labels: (B, H, W) class indices.
        noise: (B, K, H, W) :func:`gumbel_noise`; none if it is left out.
        spatial: See :func:`boundary_magnitude`.
        temperature: Temperature of the softmax.
        threshold: If given, only boundaries count, places whose magnitude exceeds it: half the
            mean over the true ones and half that over the predicted ones.
        ignore_index: Label of ignored pixels.
        weight: (B, H, W) factors of the pixels' differences.
        by_pixel: Whether the differences of the pixels are returned, means over the classes alone.

    Returns:
        A scalar in float32, by pixel (B, H, W).

    Raises:
        ValueError: If a label is neither a class nor ignored.

    Source: section 3.3.2 of Gated-SCNN (Takikawa et al., ICCV 2019).
    """
    logits = class_logits(logits)
    num_classes = logits.shape[1]
    check_labels(labels, num_classes, ignore_index)
    with torch.autocast(logits.device.type, enabled=False):
        ignored = labels == ignore_index
        logits = logits.float().masked_fill(ignored.unsqueeze(1), 0)
        if noise is not None:
            logits = logits + noise
        predicted = boundary_magnitude((logits / temperature).softmax(1), spatial)
        truth = F.one_hot(labels.masked_fill(ignored, 0), num_classes).movedim(-1, 1).float()
        truth = boundary_magnitude(truth, spatial)
        difference = (predicted - truth).abs()
        if weight is not None:
            difference = difference * weight.unsqueeze(1)
        if threshold is None:
            return difference.mean(1) if by_pixel else difference.mean()
        places = (truth > threshold, predicted.detach() > threshold)
        if by_pixel:
            return sum((difference * p).mean(1) for p in places) / 2
        return sum((difference * p).sum() / p.sum().clamp(min=1) for p in places) / 2


@register(MODELS, host='mmseg')
class DualTaskLoss(nn.Module):
    """:func:`dual_task_loss` for any decode head, with fresh noise at every step.

    Args:
        spatial: Whether boundaries are found by smoothing and differences, as the paper has it;
            False is the behaviour of the released program.
        noise: Whether noise is added to the logits.
        temperature: Temperature of the softmax; 0.5 as released, 1 in the paper.
        threshold: If given, only magnitudes above it count; they are in [0, 1].
        loss_weight: Factor.
        loss_name: Its name in the log; with ``loss_`` in it, it is trained.

    Raises:
        ValueError: If the temperature is not positive.
    """

    def __init__(
        self,
        spatial: bool = True,
        noise: bool = True,
        temperature: float = 0.5,
        threshold: float | None = None,
        loss_weight: float = 1.0,
        loss_name: str = 'loss_dual',
    ) -> None:
        super().__init__()
        if temperature <= 0:
            raise ValueError(f'temperature={temperature}, expected a positive one')
        self.spatial = spatial
        self.noise = noise
        self.temperature = temperature
        self.threshold = threshold
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

        The other arguments are those of :func:`dual_task_loss`.
        """
        check_reduction(reduction_override)
        pred = class_logits(pred)
        return self.loss_weight * dual_task_loss(
            pred,
            target,
            gumbel_noise(pred.float()) if self.noise else None,
            self.spatial,
            self.temperature,
            self.threshold,
            ignore_index,
            weight,
            by_pixel=reduction_override == 'none',
        )
