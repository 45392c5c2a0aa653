"""RefineMask on a pretended CUDA device and in mixed precision: the numbers of the CPU."""

import numpy as np
import pytest
import torch
from helpers.device_tests import DeviceTests
from helpers.mixed_precision import largest_difference
from helpers.refinemask_configs import (
    cascade_roi_head,
    detector,
    mask_head,
    roi_head,
    simple_mask_head,
)
from mmdet.structures.mask import PolygonMasks
from mmdet.testing import demo_mm_inputs
from torch import nn

from mmfewshot_seg.registry import MODELS

ROI_HEADS = {
    'mask_rcnn': roi_head(),
    'simple': roi_head(mask_head=simple_mask_head(stage_num_classes=[4, 4, 4, 1])),
    'cascade': cascade_roi_head(mask_head=[simple_mask_head(), mask_head()]),
}
ROIS = torch.tensor([[0, 8.0, 8, 60, 50], [1, 3.0, 9, 40, 44], [0, 0.0, 0, 127, 95]])


def _model(name: str, device: str) -> nn.Module:
    torch.manual_seed(0)
    np.random.seed(0)
    model = MODELS.build(detector(ROI_HEADS[name]))
    model.init_weights()
    model.roi_head.test_cfg.stage_maps = 2
    return model.to(device)


def _batch(num_items: tuple = (3, 2), polygons: bool = False) -> dict:
    data = demo_mm_inputs(
        2, [(3, 96, 128), (3, 64, 70)], num_items=num_items, num_classes=4, with_mask=True
    )
    for sample in data['data_samples']:
        sample.set_metainfo(dict(scale_factor=(2.0, 2.0), ori_shape=(48, 64)))
        if polygons:
            masks, boxes = sample.gt_instances.masks, sample.gt_instances.bboxes
            corners = boxes[:, [0, 1, 2, 1, 2, 3, 0, 3]].double().numpy()
            sample.gt_instances.masks = PolygonMasks(
                [[polygon] for polygon in corners], masks.height, masks.width
            )
    return data


class TestRefineMask(DeviceTests):
    kinds = ROI_HEADS
    batches = dict(bitmaps={}, empty=dict(num_items=(0, 0)), polygons=dict(polygons=True))
    predictions = dict(all=dict(score_thr=0.0), none=dict(score_thr=1.0))
    close = dict(rtol=1e-4, atol=1e-5)
    close_predictions = dict(rtol=1e-4, atol=1e-4)
    # Of each image: which masks its RoIs have, these masks to the device; images of the RoIs.
    waits = dict(mask_rcnn=7, simple=12, cascade=19)

    def model(self, kind, device):
        return _model(kind, device)

    def batch(self, **options):
        return _batch(**options)

    def predict(self, kind, device, score_thr):
        model = self.model(kind, device).eval()
        model.roi_head.test_cfg.score_thr = score_thr
        data = model.data_preprocessor(_batch())
        found = [sample.pred_instances for sample in model(**data, mode='predict')]
        return [
            model(**data, mode='tensor')[-1],
            [(each.scores, each.labels, each.bboxes, each.masks.float()) for each in found],
        ]

    @torch.no_grad()
    def in_precision(self, kind, device):
        """Masks of given boxes: in half precision other ones are found."""
        model = self.model(kind, device).eval()
        data = model.data_preprocessor(_batch())
        levels, rois = model.extract_feat(data['inputs']), ROIS.to(device)
        labels = torch.arange(len(rois), device=device)
        logits = model.roi_head.mask_logits(levels, rois, labels)
        assert logits.isfinite().all() and logits.dtype == torch.float32
        return model.roi_head.stage_logits(levels, rois, labels)


@pytest.mark.parametrize('name', ROI_HEADS)
@pytest.mark.parametrize('dtype', [torch.bfloat16, torch.float16])
def test_mixed_precision_of_losses(name, dtype) -> None:
    """By CUDA's rules: on the CPU mmcv's NMS takes float32 alone. bfloat16 has other proposals."""

    def run(device: str) -> dict:
        losses = TestRefineMask().losses(name, device)
        return {key: value for key, value in losses.items() if 'loss' in key}

    found = largest_difference(run, 'cuda', dtype)
    print(found)
    assert found < (0.02 if dtype == torch.float16 else 0.5)
