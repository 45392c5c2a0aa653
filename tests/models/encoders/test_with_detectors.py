"""Networks of timm under the pyramid of MMDetection: RefineMask and zero-shot detectors train."""

import pytest
import torch
from helpers import refinemask_configs, zeroshot_configs
from mmengine.registry import DefaultScope
from torch import nn

from mmfewshot_seg.registry import MODELS

pytest.importorskip('mmcv._ext', reason='mmcv has no compiled ops: make test')

from mmdet.testing import demo_mm_inputs

SHAPES = [(3, 96, 128), (3, 64, 70)]
# out_indices, channels, strides of the pyramid. A vision transformer has maps of one size.
NETWORKS = {
    'test_efficientnet': ((1, 2, 3, 4), [24, 32, 48, 64], [4, 8, 16, 32, 64]),
    'test_resnet': ((1, 2, 3, 4), [32, 48, 192, 96], [4, 8, 16, 32, 64]),
    'test_vit': ((5,), [64], [16, 32]),
}
DETECTORS = {
    'refinemask': lambda: refinemask_configs.detector(refinemask_configs.roi_head()),
    'zero-shot': lambda: zeroshot_configs.detector('generalized'),
}
each_network = pytest.mark.parametrize('network', NETWORKS)
each_detector = pytest.mark.parametrize('detector', DETECTORS)


def _build(detector: str, network: str) -> nn.Module:
    """A tiny detector on a network of timm, whose level 0 or first blocks are fixed."""
    out_indices, channels, strides = NETWORKS[network]
    config = DETECTORS[detector]()
    config.backbone = dict(
        type='mmfewshot_seg.TimmEncoder',
        model_name=network,
        out_indices=out_indices,
        frozen_stages=0,
        norm_eval=True,
    )
    config.neck.update(in_channels=channels, num_outs=len(strides))
    config.rpn_head.anchor_generator.strides = strides
    levels = strides[: max(len(channels), 2)]
    for name in ('bbox_roi_extractor', 'mask_roi_extractor'):
        config.roi_head[name].featmap_strides = levels
    if detector == 'refinemask':
        config.roi_head.mask_head.semantic_out_stride = strides[0]
    DefaultScope._instance_dict.clear()
    torch.manual_seed(0)
    model = MODELS.build(config)
    model.init_weights()
    return model


@each_network
@each_detector
def test_losses_reach_all_that_is_not_frozen(detector: str, network: str) -> None:
    model = _build(detector, network).train()
    data = demo_mm_inputs(2, SHAPES, num_items=[3, 2], num_classes=4, with_mask=True)
    losses = model(**model.data_preprocessor(data, True), mode='loss')
    total, _ = model.parse_losses(losses)
    total.backward()
    assert total.isfinite()
    unreached = {name for name, value in model.named_parameters() if value.grad is None}
    assert unreached == {n for n, value in model.named_parameters() if not value.requires_grad}
    assert unreached and all(name.startswith('backbone.') for name in unreached)


@each_network
@each_detector
def test_masks_have_the_size_of_the_image(detector: str, network: str) -> None:
    model = _build(detector, network).eval()
    data = demo_mm_inputs(2, SHAPES, num_classes=4, with_mask=True)
    with torch.no_grad():
        found = model(**model.data_preprocessor(data), mode='predict')
    for sample, shape in zip(found, SHAPES, strict=True):
        instances = sample.pred_instances
        assert len(instances) > 0 and instances.masks.shape == (len(instances), *shape[1:])


@each_network
def test_rois_are_cut_from_where_they_are(network: str) -> None:
    """MMCV's RoIAlign reads the memory of a map as if its channels came first."""
    model = _build('refinemask', network).eval()
    rois = torch.tensor([[0.0, 4, 4, 40, 40], [0, 16, 8, 90, 60]])
    with torch.no_grad():
        levels = model.extract_feat(torch.randn(1, 3, 96, 128))
        extractor = model.roi_head.bbox_roi_extractor
        found = extractor(levels[: extractor.num_inputs], rois)
        levels = [level.clone(memory_format=torch.contiguous_format) for level in levels]
        wanted = extractor(levels[: extractor.num_inputs], rois)
    torch.testing.assert_close(found, wanted)
