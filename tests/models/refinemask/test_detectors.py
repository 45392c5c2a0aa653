"""Whole detectors on mmdet's demo inputs: loss, predict and tensor modes, AMP aside."""

from functools import partial

import pytest
import torch
from helpers.refinemask_configs import (
    cascade_roi_head,
    detector,
    mask_head,
    roi_head,
    simple_mask_head,
)
from mmdet.structures.mask import BitmapMasks, PolygonMasks
from mmdet.testing import demo_mm_inputs
from mmengine.analysis import get_model_complexity_info
from mmengine.config import ConfigDict
from mmengine.registry import DefaultScope
from mmengine.structures import InstanceData
from torch import nn

from mmfewshot_seg.registry import MODELS

SHAPES = [(3, 96, 128), (3, 64, 70)]
ROI_HEADS = {
    'mask_rcnn': roi_head(),
    'simple': roi_head(mask_head=simple_mask_head(stage_num_classes=[4, 4, 4, 1])),
    'cascade': cascade_roi_head(),
    'cascade_all_stages': cascade_roi_head(mask_head=[simple_mask_head(), mask_head()]),
}
each_detector = pytest.mark.parametrize('name', ROI_HEADS)


def build(name: str) -> nn.Module:
    DefaultScope._instance_dict.clear()
    torch.manual_seed(0)
    model = MODELS.build(detector(ROI_HEADS[name]))
    model.init_weights()
    return model


def demo(**options) -> dict:
    return demo_mm_inputs(2, SHAPES, num_classes=4, with_mask=True, **options)


@each_detector
def test_loss_step(name: str) -> None:
    model = build(name).train()
    losses = model(**model.data_preprocessor(demo(num_items=[3, 2]), True), mode='loss')
    mask_losses = {key for key in losses if 'instance' in key or 'semantic' in key}
    assert (
        mask_losses
        == {
            'mask_rcnn': {'loss_instance', 'loss_semantic'},
            'simple': {'loss_instance'},
            'cascade': {'s1.loss_instance', 's1.loss_semantic'},
            'cascade_all_stages': {'s0.loss_instance', 's1.loss_instance', 's1.loss_semantic'},
        }[name]
    )
    total, log = model.parse_losses(losses)
    total.backward()
    assert total.isfinite() and all(log[key] > 0 for key in mask_losses)
    parameters = model.roi_head.mask_head.named_parameters()
    assert [n for n, p in parameters if p.grad is None] == []


@each_detector
def test_loss_without_objects(name: str) -> None:
    """What ``filter_empty_gt=False`` lets in."""
    model = build(name).train()
    losses = model(**model.data_preprocessor(demo(num_items=[0, 0]), True), mode='loss')
    total, log = model.parse_losses(losses)
    total.backward()
    assert total.isfinite()
    assert all(value == 0 for key, value in log.items() if 'instance' in key)
    parameters = model.roi_head.mask_head.named_parameters()
    assert [n for n, p in parameters if p.grad is None] == []


def test_faster_rcnn_with_another_neck_gets_masks() -> None:
    config = detector(ROI_HEADS['mask_rcnn'])
    config.type = 'mmdet.FasterRCNN'
    config.neck.type = 'mmdet.PAFPN'
    model = MODELS.build(config).eval()
    inputs = model.data_preprocessor(demo(num_items=[3, 2]), True)
    with torch.no_grad():
        assert {'loss_instance', 'loss_semantic'} <= model(**inputs, mode='loss').keys()
        found = model(**inputs, mode='predict')
    assert [len(sample.pred_instances.masks) for sample in found] == [5, 5]


def test_polygons_give_the_losses_of_their_bitmaps_nearly() -> None:
    square = torch.tensor([8.0, 8, 60, 8, 60, 56, 8, 56]).double().numpy()
    losses = []
    for as_bitmaps in (False, True):
        model, inputs = build('mask_rcnn').train(), demo(num_items=[1, 1])
        for sample, shape in zip(inputs['data_samples'], SHAPES, strict=True):
            masks = PolygonMasks([[square]], *shape[1:])
            if as_bitmaps:
                masks = BitmapMasks(masks.to_ndarray().astype('uint8'), *shape[1:])
            sample.gt_instances.masks = masks
            sample.gt_instances.bboxes = torch.tensor([[8.0, 8, 60, 56]])
        torch.manual_seed(0)
        inputs = model.data_preprocessor(inputs, True)
        losses.append(model.parse_losses(model(**inputs, mode='loss'))[1])
    for key, value in losses[0].items():
        torch.testing.assert_close(value, losses[1][key], rtol=0.02, atol=1e-3)


@each_detector
def test_predict(name: str) -> None:
    model = build(name).eval()
    inputs = demo()
    for sample in inputs['data_samples']:
        sample.set_metainfo(dict(scale_factor=(2.0, 2.0), ori_shape=(48, 64)))
    with torch.no_grad():
        found = [model(**model.data_preprocessor(inputs, False), mode='predict') for _ in range(2)]
    for sample, again in zip(*found, strict=True):
        assert len(sample.pred_instances) == 5
        assert sample.pred_instances.masks.shape == (5, 48, 64)
        assert torch.equal(sample.pred_instances.masks, again.pred_instances.masks)


@each_detector
def test_tensor_mode(name: str) -> None:
    model = build(name).eval()
    with torch.no_grad():
        outputs = model(**model.data_preprocessor(demo(), False), mode='tensor')
    masks = outputs[-1][-1]
    assert masks.shape[1:] == (1, 56, 56) and 0 < len(masks) <= 100
    assert masks.isfinite().all()


@each_detector
def test_no_detections(name: str) -> None:
    model = build(name).eval()
    model.roi_head.test_cfg.score_thr = 1.0
    with torch.no_grad():
        found = model(**model.data_preprocessor(demo(), False), mode='predict')
    assert [sample.pred_instances.masks.shape[0] for sample in found] == [0, 0]


@each_detector
def test_saved_and_loaded_gives_the_same(name: str, tmp_path) -> None:
    model, other = build(name).eval(), build(name).eval()
    for parameter in other.parameters():
        nn.init.zeros_(parameter)
    torch.save(model.state_dict(), tmp_path / 'model.pth')
    other.load_state_dict(torch.load(tmp_path / 'model.pth', weights_only=True))
    inputs = model.data_preprocessor(demo(), False)
    with torch.no_grad():
        for ours, theirs in zip(
            model(**inputs, mode='tensor'), other(**inputs, mode='tensor'), strict=True
        ):
            torch.testing.assert_close(ours, theirs)


@each_detector
def test_biases_of_the_mask_head_start_at_zero(name: str) -> None:
    biases = {n: p for n, p in build(name).roi_head.mask_head.named_parameters() if 'bias' in n}
    assert [n for n, bias in biases.items() if bias.any()] == []


@pytest.mark.slow
@each_detector
def test_complexity_is_counted(name: str) -> None:
    model = build(name).eval()
    inputs = model.data_preprocessor(demo(), False)
    model.forward = partial(model.forward, data_samples=inputs['data_samples'])
    counted = get_model_complexity_info(
        model, None, inputs['inputs'], show_table=False, show_arch=False
    )
    assert counted['flops'] > 1e7


def _view(image: torch.Tensor, flip: str | None) -> tuple[torch.Tensor, object]:
    inputs = demo_mm_inputs(1, (3, 64, 96), num_classes=4)
    (sample,) = inputs['data_samples']
    sample.set_metainfo(
        dict(scale_factor=(1.0, 1.0), ori_shape=(64, 96), flip=bool(flip), flip_direction=flip)
    )
    axes = {None: [], 'horizontal': [2], 'vertical': [1], 'diagonal': [1, 2]}[flip]
    return image.flip(axes), sample


def _augmented(
    name: str, image: torch.Tensor, *flips: str | None, score_thr: float = 0.0
) -> InstanceData:
    tta = MODELS.build(
        dict(
            type='mmfewshot_seg.MaskTTAModel',
            module=build(name).eval(),
            tta_cfg=ConfigDict(nms=dict(type='nms', iou_threshold=0.5), max_per_img=4),
        )
    )
    tta.module.roi_head.test_cfg.score_thr = score_thr
    views = [_view(image, flip) for flip in flips]
    data = dict(inputs=[[v[0]] for v in views], data_samples=[[v[1]] for v in views])
    return tta.test_step(data)[0].pred_instances


@pytest.mark.parametrize('name', ['mask_rcnn', 'cascade'])
def test_augmentation_of_masks(name: str) -> None:
    torch.manual_seed(3)
    image = torch.rand(3, 64, 96) * 255
    plain = _augmented(name, image, None)
    assert plain.masks.shape == (4, 64, 96) and plain.masks.any()
    # Two equal views change nothing.
    twice = _augmented(name, image, None, None)
    assert torch.equal(plain.masks[0], twice.masks[0])
    for flip in ('horizontal', 'vertical', 'diagonal'):
        # One flipped view of an image is the plain view of the flipped image, flipped back.
        alone = _augmented(name, image, flip)
        axes = {'horizontal': [2], 'vertical': [1], 'diagonal': [1, 2]}[flip]
        mirrored = _augmented(name, image.flip(axes), None)
        torch.testing.assert_close(alone.scores, mirrored.scores)
        differing = (alone.masks != mirrored.masks.flip(axes)).float().mean()
        assert differing < 1e-3


def test_augmentation_without_detections() -> None:
    found = _augmented('mask_rcnn', torch.zeros(3, 64, 96), None, 'horizontal', score_thr=1.0)
    assert found.masks.shape == (0, 64, 96)
