"""Targets of the mask branch, from bitmaps or polygons.

Shape letters: ``B`` images, ``K`` objects of an image, ``N`` RoIs, ``S`` side of a stage, ``H W``
image size, ``h w`` size of the semantic map.
"""

from collections.abc import Sequence

import numpy as np
import torch
import torch.nn.functional as F
from mmcv.ops import roi_align
from mmdet.structures.mask import BitmapMasks, PolygonMasks
from pycocotools import mask as rle_tools
from torch import Tensor

Masks = BitmapMasks | PolygonMasks


def stage_targets(
    boxes: Sequence[Tensor],
    gt_indices: Sequence[Tensor],
    gt_masks: Sequence[Masks],
    sizes: Sequence[int],
) -> list[Tensor]:
    """The object of each RoI, cut out at the size of every stage.

    Each size is cut out of the ground truth, not made from another size. The numbers are those of
    mmdet's ``mask_target``.

    Args:
        boxes: (N_b, 4) RoIs of each image; clipped to the extent of the masks.
        gt_indices: (N_b,) object of each RoI.
        gt_masks: Objects of each image.
        sizes: S of every stage.

    Returns:
        (N, S, S) for every size, 0 or 1, float32.
    """
    by_image = [
        _targets_of_image(*image, sizes) for image in zip(boxes, gt_indices, gt_masks, strict=True)
    ]
    return [torch.cat(targets) for targets in zip(*by_image, strict=True)]


def _targets_of_image(
    boxes: Tensor, gt_indices: Tensor, gt_masks: Masks, sizes: Sequence[int]
) -> list[Tensor]:
    if len(boxes) == 0:
        return [boxes.new_zeros((0, size, size), dtype=torch.float32) for size in sizes]
    limits = boxes.new_tensor([gt_masks.width, gt_masks.height] * 2)
    boxes = boxes.detach().float().clamp(min=0).minimum(limits)
    if isinstance(gt_masks, PolygonMasks):
        boxes, gt_indices = boxes.cpu().numpy(), gt_indices.cpu().numpy()
        return [
            torch.from_numpy(_polygon_targets(boxes, gt_indices, gt_masks, size)).to(limits.device)
            for size in sizes
        ]
    # Each object that a RoI has is uploaded once, and referred to as if it were an image.
    used, indices = gt_indices.unique(return_inverse=True)
    bitmaps = np.ascontiguousarray(gt_masks.masks[used.cpu().numpy()])
    objects = torch.from_numpy(bitmaps).to(boxes.device).float().unsqueeze(1)
    rois = torch.cat([indices.unsqueeze(1).to(boxes), boxes], dim=1)
    return [
        (roi_align(objects, rois, (size, size), 1.0, 0, 'avg', True) >= 0.5).float().squeeze(1)
        for size in sizes
    ]


def _polygon_targets(
    boxes: np.ndarray, gt_indices: np.ndarray, gt_masks: PolygonMasks, size: int
) -> np.ndarray:
    cropped = gt_masks.crop_and_resize(boxes, (size, size), gt_indices)
    encoded = [_merged_rle(polygons, size, size) for polygons in cropped.masks]
    decoded = rle_tools.decode(encoded)  # (S, S, N), by columns
    return np.ascontiguousarray(decoded.transpose(2, 0, 1), dtype=np.float32)


def _merged_rle(polygons: list[np.ndarray], height: int, width: int) -> dict:
    return rle_tools.merge(rle_tools.frPyObjects(polygons, height, width))


def union_masks(gt_masks: Sequence[Masks], size: tuple[int, int]) -> Tensor:
    """All objects of an image in one mask.

    Args:
        gt_masks: Objects of each image, none of it larger than ``size``.
        size: (H, W), to which smaller images are padded at the right and at the bottom.

    Returns:
        (B, H, W) bool, on the CPU.
    """
    unions = np.zeros((len(gt_masks), *size), bool)
    for union, masks in zip(unions, gt_masks, strict=True):
        if len(masks) > 0:
            union[: masks.height, : masks.width] = _union_of_image(masks)
    return torch.from_numpy(unions)


def _union_of_image(masks: Masks) -> np.ndarray:
    if isinstance(masks, BitmapMasks):
        return masks.masks.any(axis=0)
    polygons = [polygon for polygons in masks.masks for polygon in polygons]
    return rle_tools.decode(_merged_rle(polygons, masks.height, masks.width))


def semantic_target(union: Tensor, size: tuple[int, int]) -> Tensor:
    """Union masks at the size of the semantic map, bilinear, at least 0.5.

    Args:
        union: (B, H, W) bool.
        size: (h, w).

    Returns:
        (B, h, w), 0 or 1, float32.
    """
    resized = F.interpolate(union.float().unsqueeze(1), size, mode='bilinear', align_corners=False)
    return (resized.squeeze(1) >= 0.5).float()
