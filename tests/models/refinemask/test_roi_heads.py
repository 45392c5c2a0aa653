"""RoI heads: training without positives, chunks, empty images, and what is refused."""

from types import SimpleNamespace

import pytest
import torch
from helpers.refinemask_configs import (
    bbox_head,
    cascade_roi_head,
    mask_head,
    roi_extractor,
    roi_head,
    simple_mask_head,
)
from mmdet.structures import DetDataSample
from mmdet.structures.mask import BitmapMasks, PolygonMasks
from mmengine.config import ConfigDict
from mmengine.structures import InstanceData
from torch import nn

from mmfewshot_seg.registry import MODELS

CONFIGS = [roi_head, cascade_roi_head]
METAS = [dict(ori_shape=(48, 64), img_shape=(48, 64), scale_factor=(1.0, 1.0))] * 2


def build(config: dict) -> nn.Module:
    torch.manual_seed(0)
    config.setdefault('test_cfg', ConfigDict(mask_thr_binary=0.5))
    head = MODELS.build(config)
    for name, parameter in head.named_parameters():
        nn.init.normal_(parameter, std=0.1 if name.endswith('bias') else 0.2)
    return head.eval()


def levels(batch: int = 2) -> tuple[torch.Tensor, ...]:
    torch.manual_seed(1)
    return tuple(
        torch.randn(batch, 16, 16 >> level, 16 >> level, requires_grad=True) for level in range(5)
    )


def rois(count: int) -> tuple[torch.Tensor, torch.Tensor]:
    torch.manual_seed(2)
    corners, sizes = torch.rand(count, 2) * 30, torch.rand(count, 2) * 30 + 2
    image = torch.arange(count).unsqueeze(1) * 2 // max(count, 1)
    return torch.cat([image, corners, corners + sizes], dim=1), torch.arange(count) % 4


@pytest.mark.parametrize('config', CONFIGS)
@pytest.mark.parametrize('per_chunk', [1, 3, 7])
def test_chunks_do_not_change_the_result(config, per_chunk: int) -> None:
    x, (boxes, labels) = levels(), rois(7)
    expected = build(config()).mask_logits(x, boxes, labels)
    found = build(config(rois_per_chunk=per_chunk)).mask_logits(x, boxes, labels)
    assert expected.shape == (7, 1, 56, 56)
    torch.testing.assert_close(found, expected)


def _sampling(count: int) -> list[SimpleNamespace]:
    boxes, labels = rois(count)
    return [
        SimpleNamespace(
            pos_priors=boxes[boxes[:, 0] == image][:, 1:],
            pos_assigned_gt_inds=torch.zeros(int((boxes[:, 0] == image).sum()), dtype=torch.int64),
            pos_gt_labels=labels[boxes[:, 0] == image],
        )
        for image in range(2)
    ]


def _mask_loss(head: nn.Module, x: tuple, count: int, masks: list, stage: int = 1) -> dict:
    instances = [InstanceData(masks=m) for m in masks]
    if hasattr(head, 'num_stages'):
        return head.mask_loss(stage, x, _sampling(count), instances)['loss_mask']
    return head.mask_loss(x, _sampling(count), None, instances)['loss_mask']


def _masks(kind: type, empty: bool = False) -> list:
    if empty:
        return [kind([], 64, 64)] * 2
    square = torch.tensor([5.0, 5, 40, 5, 40, 40, 5, 40]).double().numpy()
    polygons = PolygonMasks([[square]], 64, 64)
    if kind is PolygonMasks:
        return [polygons] * 2
    return [BitmapMasks(polygons.to_ndarray().astype('uint8'), 64, 64)] * 2


@pytest.mark.parametrize('config', CONFIGS)
@pytest.mark.parametrize('branch', [mask_head, simple_mask_head])
@pytest.mark.parametrize('kind', [BitmapMasks, PolygonMasks])
@pytest.mark.parametrize(('count', 'empty'), [(5, False), (0, False), (0, True)])
def test_losses_reach_every_parameter(config, branch, kind, count: int, empty: bool) -> None:
    head, x = build(config(mask_head=branch())).train(), levels()
    losses = _mask_loss(head, x, count, _masks(kind, empty))
    sum(losses.values()).backward()
    missing = [n for n, p in head.mask_head.named_parameters() if p.grad is None]
    assert missing == [] and x[0].grad is not None
    assert (losses['loss_instance'] == 0) == (count == 0)
    if branch is mask_head:
        assert losses['loss_semantic'] > 0


@pytest.mark.parametrize('config', CONFIGS)
def test_bfloat16_step_is_finite(config) -> None:
    head = build(config()).train()
    with torch.autocast('cpu', torch.bfloat16):
        x = tuple(level.bfloat16() for level in levels())
        losses = _mask_loss(head, x, 5, _masks(BitmapMasks))
        logits = head.mask_logits(x, *rois(5))
    assert logits.dtype == torch.float32 and logits.isfinite().all()
    sum(losses.values()).backward()
    assert all(p.grad.isfinite().all() for p in head.mask_head.parameters())
    for name, loss in _mask_loss(head, levels(), 5, _masks(BitmapMasks)).items():
        torch.testing.assert_close(losses[name], loss, rtol=0.05, atol=0)


def _detections(count: int) -> InstanceData:
    boxes, labels = rois(count)
    return InstanceData(bboxes=boxes[:, 1:], labels=labels, scores=torch.ones(count))


@pytest.mark.parametrize('config', CONFIGS)
@pytest.mark.parametrize('counts', [(3, 2), (0, 4), (0, 0)])
def test_images_without_detections(config, counts: tuple) -> None:
    with torch.no_grad():
        results = build(config()).predict_mask(levels(), METAS, [_detections(c) for c in counts])
    assert [r.masks.shape for r in results] == [(count, 48, 64) for count in counts]


@pytest.mark.parametrize('config', CONFIGS)
def test_no_rois(config) -> None:
    found = build(config()).mask_logits(levels(), *rois(0))
    assert found.shape == (0, 1, 56, 56)


def test_single_class() -> None:
    config = roi_head(mask_head=mask_head(num_classes=1), bbox_head=bbox_head(num_classes=1))
    boxes, _ = rois(3)
    logits = build(config).mask_logits(levels(), boxes, torch.zeros(3, dtype=torch.int64))
    assert logits.isfinite().all()


def test_another_semantic_level() -> None:
    head = build(roi_head(mask_head=mask_head(semantic_level=1, semantic_out_stride=8)))
    x = levels()
    changed = (x[0] * 2, *x[1:])
    boxes = torch.tensor([[0, 0, 0, 300, 300.0]])  # its RoI features come from P4
    labels = torch.tensor([1])
    assert torch.equal(head.mask_logits(x, boxes, labels), head.mask_logits(changed, boxes, labels))


def test_cascade_predicts_with_its_last_stage() -> None:
    alone = build(cascade_roi_head())
    config = cascade_roi_head(
        mask_head=[mask_head(stage_sup_size=(7, 14), **_two_stages()), mask_head()]
    )
    both = build(config)
    both.mask_head[-1].load_state_dict(alone.mask_head[-1].state_dict())
    x, found = levels(), rois(3)
    torch.testing.assert_close(both.mask_logits(x, *found), alone.mask_logits(x, *found))
    assert _mask_loss(alone, x, 3, _masks(BitmapMasks), stage=0) == {}
    assert _mask_loss(both, x, 3, _masks(BitmapMasks), stage=0)['loss_instance'] > 0


def _two_stages() -> dict:
    loss = dict(type='mmfewshot_seg.RefineCrossEntropyLoss', stage_instance_loss_weight=[1, 1])
    return dict(loss_mask=loss)


@pytest.mark.parametrize('config', CONFIGS)
@pytest.mark.parametrize(
    ('options', 'message'),
    [
        (dict(shared_head=dict(type='mmdet.ResLayer')), r'a shared_head \(C4 models\)'),
        (dict(mask_roi_extractor=None), 'no mask_roi_extractor .* expected one of its own'),
        (dict(mask_roi_extractor=roi_extractor(14)), 'output_size=14, expected 7'),
        (dict(mask_roi_extractor=roi_extractor(7, out_channels=8)), 'out_channels=8, expected 16'),
        (
            dict(mask_roi_extractor=roi_extractor(7, featmap_strides=[8, 16])),
            'semantic_out_stride=4, expected 8, the stride of level 0',
        ),
        (dict(bbox_head=bbox_head(num_classes=9)), 'num_classes=4, expected 9'),
        (dict(mask_head=dict(type='mmdet.FCNMaskHead')), 'mask_head of type FCNMaskHead'),
        (dict(rois_per_chunk=0), 'rois_per_chunk=0, expected at least 1'),
    ],
)
def test_refused(config, options: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        MODELS.build(config(**options))


@pytest.mark.parametrize(
    ('options', 'message'),
    [
        (dict(mask_head=[mask_head()]), 'mask_head with 1 entries'),
        (dict(mask_head=[mask_head(), None]), r'one per stage \(2\), the last not None'),
        (dict(mask_roi_extractor=[roi_extractor(7)]), 'mask_roi_extractor with 1 entries'),
    ],
)
def test_refused_in_a_cascade(options: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        MODELS.build(cascade_roi_head(**options))


def test_a_level_of_another_stride_is_refused_at_the_first_step() -> None:
    sample = DetDataSample(metainfo=dict(METAS[0], batch_input_shape=(128, 128)))
    message = r'level 0 of size \(16, 16\) for images of \(128, 128\), expected a level of stride 4'
    with pytest.raises(ValueError, match=message):
        build(roi_head()).predict(levels(), [], [sample] * 2)
