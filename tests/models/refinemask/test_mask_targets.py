"""Targets equal mmdet's, from bitmaps and polygons; union and semantic target."""

import numpy as np
import pytest
import torch
from mmcv.ops import roi_align
from mmdet.structures.mask import BitmapMasks, PolygonMasks, mask_target
from mmengine.config import ConfigDict

from mmfewshot_seg.models.refinemask import mask_targets
from mmfewshot_seg.models.refinemask.mask_targets import (
    semantic_target,
    stage_targets,
    union_masks,
)

SIZES = (7, 14, 28)
BOXES = [
    torch.tensor([[2.0, 3, 30, 28], [-4.5, 10, 18.2, 60], [10, 10, 10.2, 10.1]]),
    torch.tensor([[0.0, 0, 50, 40], [20, 5, 41, 39.5]]),
]
INDICES = [torch.tensor([1, 0, 1]), torch.tensor([0, 0])]


def polygons() -> list[PolygonMasks]:
    triangle = np.array([5.0, 5, 30, 8, 12, 35])
    square = np.array([8.0, 8, 25, 8, 25, 25, 8, 25])
    bar = np.array([30.5, 30, 45, 30, 45, 38, 30.5, 38])
    return [
        PolygonMasks([[triangle], [square, bar]], 40, 50),
        PolygonMasks([[square, bar]], 36, 44),
    ]


def bitmaps() -> list[BitmapMasks]:
    return [BitmapMasks(m.to_ndarray().astype(np.uint8), m.height, m.width) for m in polygons()]


@pytest.mark.parametrize('masks', [polygons(), bitmaps()], ids=['polygons', 'bitmaps'])
def test_same_as_mmdet(masks) -> None:
    ours = stage_targets(BOXES, INDICES, masks, SIZES)
    before = [boxes.clone() for boxes in BOXES]
    for size, target in zip(SIZES, ours, strict=True):
        boxes = [boxes.clone() for boxes in BOXES]  # mmdet's clips in place
        expected = mask_target(boxes, INDICES, masks, ConfigDict(mask_size=size))
        assert torch.equal(target, expected)
    assert all(map(torch.equal, BOXES, before))


def test_cost_follows_the_rois_not_the_objects(monkeypatch) -> None:
    """Of 60 objects 3 RoIs have two: no more are handed to RoIAlign, and the targets are theirs."""
    rng = np.random.RandomState(0)
    masks = BitmapMasks(rng.rand(60, 40, 50) < 0.5, 40, 50)
    handed = []

    def spy(objects, *args):
        handed.append(len(objects))
        return roi_align(objects, *args)

    monkeypatch.setattr(mask_targets, 'roi_align', spy)
    indices = [torch.tensor([57, 3, 57])]
    ours = stage_targets(BOXES[:1], indices, [masks], SIZES)
    assert handed == [2, 2, 2]
    for size, target in zip(SIZES, ours, strict=True):
        config = ConfigDict(mask_size=size)
        expected = mask_target([BOXES[0].clone()], indices, [masks], config)
        assert torch.equal(target, expected)


def test_column_major_bitmaps() -> None:
    """As pycocotools decodes them."""
    masks = bitmaps()
    for m in masks:
        m.masks = np.asfortranarray(m.masks)
    expected = stage_targets(BOXES, INDICES, bitmaps(), SIZES)
    assert all(map(torch.equal, stage_targets(BOXES, INDICES, masks, SIZES), expected))


@pytest.mark.parametrize('kind', [BitmapMasks, PolygonMasks])
def test_images_without_rois_or_objects(kind) -> None:
    no_boxes, no_indices = torch.zeros(0, 4), torch.zeros(0, dtype=torch.int64)
    masks = [kind([], 40, 50), bitmaps()[1]]
    targets = stage_targets([no_boxes, BOXES[1]], [no_indices, INDICES[1]], masks, SIZES)
    assert [t.shape for t in targets] == [(2, size, size) for size in SIZES]
    assert all(t.any() for t in targets)
    targets = stage_targets([no_boxes], [no_indices], masks[:1], SIZES)
    assert [t.shape for t in targets] == [(0, size, size) for size in SIZES]
    assert not union_masks(masks[:1], (40, 52)).any()


def test_union_is_padded() -> None:
    union = union_masks(polygons(), (40, 52))
    assert union.shape == (2, 40, 52)
    first, second = (m.masks.astype(bool) for m in bitmaps())
    assert np.array_equal(union[0, :, :50].numpy(), first[0] | first[1])
    assert np.array_equal(union[1, :36, :44].numpy(), second[0])
    assert not union[:, :, 50:].any() and not union[1, 36:].any()
    assert torch.equal(union, union_masks(bitmaps(), (40, 52)))


def test_semantic_target_takes_two_of_the_four_pixels_in_the_middle() -> None:
    union = torch.zeros(1, 4, 8, dtype=torch.bool)
    union[0, 1, 1:3] = True  # first cell: two of the middle four
    union[0, :, 4] = union[0, 1, 5] = True  # second cell: five pixels, one in the middle
    assert semantic_target(union, (1, 2)).tolist() == [[[1.0, 0.0]]]
