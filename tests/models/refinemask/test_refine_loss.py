"""Losses against a pixel-by-pixel reimplementation; no RoIs; what is refused."""

import pytest
import torch
import torch.nn.functional as F

from mmfewshot_seg.models.refinemask.refine_loss import (
    BARCrossEntropyLoss,
    RefineCrossEntropyLoss,
    stage_losses,
)

SIZES = (4, 8, 16, 32)


def naive_region(mask: torch.Tensor, width: int) -> torch.Tensor:
    size, region = len(mask), torch.zeros_like(mask)
    for y in range(size):
        for x in range(size):
            others = 0
            for v in range(y - width, y + width + 1):
                for u in range(x - width, x + width + 1):
                    inside = 0 <= v < size and 0 <= u < size and bool(mask[v, u])
                    others += inside != bool(mask[y, x])
            region[y, x] = others > 0.1 * (2 * width + 1) ** 2
    return region


def naive_enlarge(values: torch.Tensor, size: int) -> torch.Tensor:
    """One map, corners aligned, as a product of matrices."""
    steps = torch.linspace(0, len(values) - 1, size)
    weights = (1 - (steps[:, None] - torch.arange(len(values))).abs()).clamp(min=0)
    return weights @ values.float() @ weights.T


def naive_losses(logits, targets, width: int, start: int) -> list[torch.Tensor]:
    losses, masks = [], None
    for stage in range(len(logits)):
        size, total, count, new_masks = SIZES[stage], 0.0, 0, []
        for roi in range(len(targets[0])):
            logit, target = logits[stage][roi, 0], targets[stage][roi]
            probs = logit.double().sigmoid()
            terms = -(target * probs.log() + (1 - target) * (1 - probs).log())
            if stage <= start:
                region, new_mask = torch.ones(size, size), logit >= 0
            else:
                near = naive_region(masks[roi], width) | naive_region(
                    targets[stage - 1][roi] > 0, width
                )
                region = (naive_enlarge(near, size) >= 0.5).double()
                refined = naive_enlarge(naive_region(masks[roi], 1), size) >= 0.5
                coarse = naive_enlarge(logits[stage - 1][roi, 0], size)
                new_mask = torch.where(refined, logit, coarse) >= 0
            total, count = total + (terms * region).sum(), count + region.sum()
            new_masks.append(new_mask)
        masks = new_masks
        losses.append((total / max(count, 1)).float())
    return losses


def blobs(seed: int, count: int = 3) -> tuple[list, list]:
    """Logits of smooth blobs that differ from stage to stage, and targets."""
    torch.manual_seed(seed)
    base = torch.randn(count, 1, 5, 5)
    logits = [
        F.interpolate(base, (size, size), mode='bicubic') * 3 + torch.randn(count, 1, size, size)
        for size in SIZES
    ]
    other = base + 0.5 * torch.randn_like(base)
    targets = [(F.interpolate(other, (s, s), mode='bicubic') > 0)[:, 0].float() for s in SIZES]
    return logits, targets


@pytest.mark.parametrize(('width', 'start'), [(2, 1), (1, 1), (2, 0), (3, 2)])
def test_same_as_pixel_by_pixel(width: int, start: int) -> None:
    logits, targets = blobs(seed=width + start)
    expected = naive_losses(logits, targets, width, start)
    torch.testing.assert_close(stage_losses(logits, targets, width, start), expected)


def test_pixels_far_from_contours_get_no_gradient() -> None:
    logits, targets = blobs(seed=0)
    mask = torch.zeros(3, 1, 8, 8)
    mask[..., :4] = 1
    logits[1], targets[1] = mask * 2 - 1, mask[:, 0]
    fine = logits[2].requires_grad_()
    stage_losses(logits, targets)[2].backward()
    assert fine.grad[..., 14:].eq(0).all()  # right: background far from everything
    assert fine.grad[..., 6:10].ne(0).all()


def test_weights_and_log_keys() -> None:
    logits, targets = blobs(seed=0)
    weights = (0.1, 0.2, 0.3, 0.4)
    expected = sum(w * x for w, x in zip(weights, stage_losses(logits, targets), strict=True))
    alone = BARCrossEntropyLoss(weights)(logits, targets)
    assert alone.keys() == {'loss_instance'}
    torch.testing.assert_close(alone['loss_instance'], expected)
    semantic, semantic_target = torch.randn(2, 1, 6, 7), torch.ones(2, 6, 7)
    both = RefineCrossEntropyLoss(weights, 0.5)(logits, targets, semantic, semantic_target)
    torch.testing.assert_close(both['loss_instance'], expected)
    torch.testing.assert_close(both['loss_semantic'], 0.5 * F.softplus(-semantic).mean())


def test_no_rois_give_zero_on_the_graph() -> None:
    logits = [torch.zeros(0, 1, size, size, requires_grad=True) for size in SIZES]
    loss = BARCrossEntropyLoss()(logits, [torch.zeros(0, s, s) for s in SIZES])['loss_instance']
    assert loss.item() == 0
    loss.backward()
    assert all(value.grad is not None for value in logits)


def test_full_precision_under_autocast() -> None:
    logits, targets = blobs(seed=0)
    expected = stage_losses(logits, targets)
    with torch.autocast('cpu', torch.bfloat16):
        torch.testing.assert_close(stage_losses(logits, targets), expected)


@pytest.mark.parametrize(
    ('options', 'message'),
    [
        (dict(boundary_width=0), 'boundary_width=0, expected at least 1'),
        (dict(start_stage=4), 'start_stage=4, expected 0 to 3'),
    ],
)
def test_refused(options: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        BARCrossEntropyLoss(**options)
