"""RefineMask's mask head at the size of COCO: one image of 800 x 1216.

The peer of our head is the naive formulation, or mmdet's mask head of another method, from the
same RoI features to logits. Inputs are random and the same for both.
"""

from collections.abc import Callable
from types import SimpleNamespace

import numpy as np
import torch
from mmdet.models.roi_heads import PointRendRoIHead
from mmdet.models.roi_heads.mask_heads import FCNMaskHead
from mmdet.structures.mask import BitmapMasks
from mmengine.config import ConfigDict
from torch import Tensor, nn

from mmfewshot_seg.models.refinemask import RefineMaskHead, merge_stages

from .naive_refinemask import NaiveRefineMaskHead

STRIDE = 4
OBJECTS = 12
HEADS = dict(ours=RefineMaskHead, peer=NaiveRefineMaskHead)
COCO_CLASSES = 80


def inference(
    side: str, device: str, tiny: bool, num_classes: int, agnostic_end: bool
) -> Callable[[], Tensor]:
    """Merged logits of 100 RoIs.

    Args:
        side: ``'ours'`` or ``'peer'``.
        device: Where to run.
        tiny: Whether inputs are tiny.
        num_classes: Classes of the detector.
        agnostic_end: Whether the last stage has one class for all.
    """
    head = _head(side, device, num_classes, agnostic_end).eval()
    inputs = _inputs(device, tiny, 100, num_classes)

    @torch.no_grad()
    def call() -> Tensor:
        return merge_stages(head(*inputs)[0])

    return call


def inference_beside(side: str, device: str, tiny: bool, method: str) -> Callable[[], Tensor]:
    """The same with COCO's classes; the peer is the head of another method, with its logits.

    Args:
        side: ``'ours'`` or ``'peer'``.
        device: Where to run.
        tiny: Whether inputs are tiny.
        method: ``'fcn'`` (28 x 28) or ``'pointrend'`` (224 x 224).
    """
    if side == 'ours':
        return inference(side, device, tiny, COCO_CLASSES, agnostic_end=False)
    features, level, rois, labels = _inputs(device, tiny, 100, COCO_CLASSES)
    if method == 'fcn':
        head = FCNMaskHead(num_classes=COCO_CLASSES).to(device).eval()
        return torch.no_grad()(lambda: head(features)[torch.arange(len(rois)), labels])
    head = _pointrend().to(device).eval()

    @torch.no_grad()
    def call() -> Tensor:
        return head._mask_point_forward_test((level,), rois, labels, head.mask_head(features))

    return call


def training(
    side: str, device: str, tiny: bool, num_classes: int, agnostic_end: bool
) -> Callable[[], dict[str, Tensor]]:
    """Losses of 32 RoIs and their gradients with respect to weights and features.

    Args:
        side: ``'ours'`` or ``'peer'``.
        device: Where to run.
        tiny: Whether inputs are tiny.
        num_classes: Classes of the detector.
        agnostic_end: Whether the last stage has one class for all.
    """
    head = _head(side, device, num_classes, agnostic_end).train()
    features, level, rois, labels = _inputs(device, tiny, 32, num_classes)
    targets = [_squares(len(rois), size, device) for size in head.stage_sup_size]
    semantic_target = _squares(1, level.shape[2:], device)
    for inputs in (features, level):
        inputs.requires_grad_()

    def call() -> dict[str, Tensor]:
        logits, semantic_logits = head(features, level, rois, labels)
        losses = head.loss_mask(logits, targets, semantic_logits, semantic_target)
        sum(losses.values()).backward()
        head.zero_grad()
        features.grad = level.grad = None
        return {name: loss.detach() for name, loss in losses.items()}

    return call


def targets(side: str, device: str, tiny: bool, objects: int) -> Callable[[], list[Tensor]]:
    """Targets of 64 RoIs at all sizes, and of the semantic map, from bitmaps of some objects.

    The RoIs have 12 of them.
    """
    head = _head(side, device, 1, agnostic_end=False)
    _, level, rois, _ = _inputs(device, tiny, 64, 1)
    height, width = (STRIDE * extent for extent in level.shape[2:])
    generator = np.random.default_rng(0)
    masks = np.zeros((objects, height, width), np.uint8)
    for mask in masks:
        top, left = generator.integers(height // 2), generator.integers(width // 2)
        mask[top : top + height // 2, left : left + width // 2] = 1
    masks = BitmapMasks(masks, height, width)
    indices = torch.arange(len(rois), device=device) % OBJECTS
    sampled = [SimpleNamespace(pos_priors=rois[:, 1:], pos_assigned_gt_inds=indices)]
    truth = [SimpleNamespace(masks=masks)]
    semantic_logits = level[:, :1]

    def call() -> list[Tensor]:
        return [*head.get_targets(sampled, truth), head.semantic_target(semantic_logits, [masks])]

    return call


def _head(side: str, device: str, num_classes: int, agnostic_end: bool) -> nn.Module:
    """Ours or the naive one, with the same weights."""
    torch.manual_seed(0)
    classes = [num_classes] * 3 + [1 if agnostic_end else num_classes]
    head = HEADS[side](num_classes=num_classes, stage_num_classes=classes)
    head.init_weights()
    return head.to(device)


def _pointrend() -> PointRendRoIHead:
    """The mask branch, as PointRend's configs for COCO have it."""
    test_cfg = dict(
        subdivision_steps=5, subdivision_num_points=28 * 28, scale_factor=2, mask_thr_binary=0.5
    )
    extractor = dict(
        type='mmdet.GenericRoIExtractor',
        aggregation='concat',
        roi_layer=dict(type='SimpleRoIAlign', output_size=14),
        out_channels=256,
        featmap_strides=[STRIDE],
    )
    return PointRendRoIHead(
        bbox_roi_extractor=extractor,  # boxes are not used, but asked for
        bbox_head=dict(type='mmdet.BBoxHead'),
        mask_roi_extractor=extractor,
        mask_head=dict(type='mmdet.CoarseMaskHead', num_classes=COCO_CLASSES),
        point_head=dict(type='mmdet.MaskPointHead', num_classes=COCO_CLASSES, in_channels=256),
        test_cfg=ConfigDict(test_cfg),
    )


def _inputs(
    device: str, tiny: bool, num_rois: int, num_classes: int
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """RoI features (N, 256, 14, 14), stride-4 level (1, 256, H, W), RoIs (N, 5), labels (N,)."""
    torch.manual_seed(0)
    num_rois, size = (2, (12, 16)) if tiny else (num_rois, (200, 304))
    features = torch.randn(num_rois, 256, 14, 14).relu()
    level = torch.randn(1, 256, *size)
    height, width = (STRIDE * extent for extent in size)
    centres = torch.rand(num_rois, 2) * torch.tensor([width, height])
    halves = 8 + torch.rand(num_rois, 2) * min(height, width) / 4
    boxes = torch.cat([centres - halves, centres + halves], dim=1).clamp(min=0)
    boxes = boxes.minimum(torch.tensor([width, height] * 2))
    rois = torch.cat([torch.zeros(num_rois, 1), boxes], dim=1)
    labels = torch.randint(num_classes, (num_rois,))
    return tuple(values.to(device) for values in (features, level, rois, labels))


def _squares(number: int, size: int | tuple[int, int], device: str) -> Tensor:
    """(number, H, W), a square of a quarter of each."""
    height, width = (size, size) if isinstance(size, int) else size
    masks = torch.zeros(number, height, width, device=device)
    masks[:, height // 4 : -(height // 4), width // 4 : -(width // 4)] = 1
    return masks
